/** What the page asks for when the controller refuses an order: each thing once, and nothing when the person leaves. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RequestError } from './client.ts'
import { type Answer, insist } from './insist.ts'

/** Refuses with these codes, one after the other, then answers with the passphrase that came. */
function trial(refusals: readonly string[], answers: { unlock?: Answer; anew?: Answer } = {}) {
  const asked: string[] = []
  const codes = [...refusals]
  const send = async (passphrase: string | undefined) => {
    const code = codes.shift()
    if (code !== undefined) throw new RequestError({ code, message: code, hint: '' })
    return { passphrase }
  }
  const ask = (what: 'unlock' | 'anew') => async () => {
    asked.push(what)
    return answers[what]
  }
  const ordered = (given?: string) => insist(send, { unlock: ask('unlock'), anew: ask('anew') }, given)
  return { asked, ordered }
}

describe('an order that is refused', () => {
  it('is sent again after the keys are open, and once more with the passphrase that it then lacks', async () => {
    const { asked, ordered } = trial(['locked', 'no-passphrase'], { unlock: 'walrus', anew: 'walrus' })
    assert.deepEqual(await ordered(), { passphrase: 'walrus' })
    assert.deepEqual(asked, ['unlock', 'anew'])
  })

  it('keeps the passphrase that was typed for it when the keys lock meanwhile', async () => {
    const { asked, ordered } = trial(['locked'], { unlock: 'walrus' })
    assert.deepEqual(await ordered('typed'), { passphrase: 'typed' })
    assert.deepEqual(asked, ['unlock'])
  })

  it('is asked about once: what is refused again is a failure', async () => {
    for (const refusals of [['locked', 'locked'], ['no-passphrase', 'no-passphrase'], ['wrong-passphrase']]) {
      const { ordered } = trial(refusals, { unlock: 'walrus', anew: 'walrus' })
      await assert.rejects(ordered(), { code: refusals.at(-1) })
    }
    await assert.rejects(trial(['no-passphrase']).ordered('typed'), { code: 'no-passphrase' })
  })

  it('is not given where the person leaves the dialog', async () => {
    assert.equal(await trial(['locked'], { unlock: false }).ordered(), undefined)
    assert.equal(await trial(['locked', 'no-passphrase'], { anew: false }).ordered(), undefined)
  })
})
