/** Races with a signal: whichever is first counts, and no listener stays behind. */

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { AbortRace, untilAborted } from './abort-race.ts'

const never = new Promise<never>(() => {})

describe('AbortRace', () => {
  it('settles as the promise does', async () => {
    const race = new AbortRace(new AbortController().signal)
    assert.equal(await race.wait(Promise.resolve(7)), 7)
    await assert.rejects(race.wait(Promise.reject(new Error('failed'))), /failed/)
  })

  it('ends all waits with the reason, and those that begin later', async () => {
    const abort = new AbortController()
    const race = new AbortRace(abort.signal)
    const late = Promise.withResolvers<void>()
    const waits = [race.wait(never), race.wait(late.promise)]
    assert.equal(getEventListeners(abort.signal, 'abort').length, 1)
    abort.abort(new Error('enough'))
    for (const wait of waits) await assert.rejects(wait, /enough/)
    // Nobody waits for it any more, and nobody has to.
    late.reject(new Error('too late'))
    await assert.rejects(race.wait(Promise.resolve()), /enough/)
    assert.throws(() => race.throwIfAborted(), /enough/)
  })
})

describe('untilAborted', () => {
  it('leaves no listener', async () => {
    const abort = new AbortController()
    assert.equal(await untilAborted(Promise.resolve(7), abort.signal), 7)
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
    const wait = untilAborted(never, abort.signal)
    abort.abort(new Error('enough'))
    await assert.rejects(wait, /enough/)
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
  })

  it('waits for the promise alone where there is no signal', async () => {
    assert.equal(await untilAborted(Promise.resolve(7), undefined), 7)
  })
})
