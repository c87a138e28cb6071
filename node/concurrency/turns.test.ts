/** Turns: one after another, past holders that stall, and never longer than a waiter will wait. */

import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { type Turn, Turns } from './turns.ts'

const longMs = 60_000
const end = new AbortController()
const { signal } = end
const tick = () => new Promise<void>(resolve => setImmediate(resolve))

after(() => end.abort(new Error('the test has ended')))

describe('Turns', () => {
  it('has one holder at a time', async () => {
    const turns = new Turns({ stallMs: longMs })
    const first = await turns.take(longMs, signal)
    const taken: Turn[] = []
    for (let each = 0; each < 3; each++)
      turns.take(longMs, signal).then(
        turn => taken.push(turn),
        () => {},
      )
    await tick()
    assert.equal(taken.length, 0)
    first.end()
    await tick()
    assert.equal(taken.length, 1)
    first.end()
    await tick()
    assert.equal(taken.length, 1, 'a turn ends once')
    taken[0]?.end()
    await tick()
    assert.equal(taken.length, 2)
  })

  it('passes a holder that has stalled, and waits for one that makes progress', async () => {
    let now = 0
    const turns = new Turns({ stallMs: 100, now: () => now })
    const first = await turns.take(longMs, signal)
    now = 99
    first.progress()
    now = 198
    const waits = turns.take(longMs, signal).then(() => 'taken')
    assert.equal(await Promise.race([waits, tick()]), undefined)
    now = 199
    assert.equal(await waits, 'taken')
  })

  it('waits no longer than it is told to', async () => {
    let now = 0
    const turns = new Turns({ stallMs: longMs, now: () => now })
    await turns.take(longMs, signal)
    const second = turns.take(1, signal)
    now = 1
    await second
    assert.ok(await turns.take(0, signal))
  })

  it('ends a wait with the signal', async () => {
    const turns = new Turns({ stallMs: longMs })
    await turns.take(longMs, signal)
    const abort = new AbortController()
    const waits = turns.take(longMs, abort.signal)
    abort.abort(new Error('enough'))
    await assert.rejects(waits, /enough/)
  })
})
