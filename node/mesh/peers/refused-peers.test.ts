/** Tests of the memory for refused peers. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusedPauseMs, refusedPeers } from '../limits.ts'
import { RefusedPeers } from './refused-peers.ts'

describe('Refusals', () => {
  it('remembers a peer for a while', () => {
    let now = 0
    const refusals = new RefusedPeers(() => now)
    refusals.add('a')
    assert.ok(refusals.has('a'))
    assert.ok(!refusals.has('b'))
    now = refusedPauseMs
    assert.ok(!refusals.has('a'))
  })

  it('forgets a peer that was admitted after all', () => {
    const refusals = new RefusedPeers()
    refusals.add('a')
    refusals.delete('a')
    assert.ok(!refusals.has('a'))
  })

  it('keeps the latest when strangers come with ever new IDs', () => {
    const refusals = new RefusedPeers()
    for (let each = 0; each < refusedPeers + 10; each++) refusals.add(String(each))
    assert.ok(!refusals.has('9'))
    assert.ok(refusals.has('10'))
    assert.ok(refusals.has(String(refusedPeers + 9)))
  })
})
