/** A program of Nix's that takes too long is an error of its own kind, whose hint fits what it did. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BuildError, evaluationLimit, runNix, storeLimit } from './nix-program.ts'

describe('a program that takes too long', () => {
  const endless = (limit: typeof storeLimit) => runNix('sleep', ['1000'], { limit: { ...limit, ms: 1 } })

  it('is told of an evaluation as one without an end', async () => {
    await assert.rejects(endless(evaluationLimit), (thrown: BuildError) => {
      assert.deepEqual([thrown.code, thrown.hint], ['evaluation-too-long', evaluationLimit.hint])
      return true
    })
  })

  it('is told of the store as a lock that another program may hold', async () => {
    await assert.rejects(endless(storeLimit), (thrown: BuildError) => {
      assert.equal(thrown.code, 'timeout')
      assert.match(thrown.hint, /lock of the store/)
      return true
    })
  })
})

describe('a program that is not there', () => {
  it('is named, with how to get Nix', async () => {
    const ended = runNix('no-such-nix', [], { limit: storeLimit })
    await assert.rejects(ended, (thrown: BuildError) => {
      assert.equal(thrown.code, 'nix-missing')
      assert.match(thrown.message, /no-such-nix/)
      return true
    })
  })
})
