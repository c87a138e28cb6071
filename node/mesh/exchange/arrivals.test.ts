/** Which arriving bytes keep a turn. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import { type Turn, Turns } from '../../concurrency/turns.ts'
import { slowestBytesPerMs, syncStallMs } from '../limits.ts'
import { arrivals } from './arrivals.ts'

/** What becomes of a waiting turn while a message arrives at this rate, for ten times as long as a turn may stall. */
async function waitsWhile(bytesPerMs: number): Promise<boolean> {
  let now = 0
  const turns = new Turns({ stallMs: syncStallMs, now: () => now })
  const end = new AbortController()
  const received = arrivals(await turns.take(0, end.signal))
  for (; now < 10 * syncStallMs; now += 100) received(100 * bytesPerMs)
  let turn: Turn | undefined
  const taking = turns.take(60_000, end.signal).then(
    taken => {
      turn = taken
    },
    () => {},
  )
  await tick()
  const waits = turn === undefined
  end.abort(new Error('the test has ended'))
  await taking
  return waits
}

describe('a message that takes longer to arrive than a turn may stall', () => {
  it('keeps the turn on a slow link', async () => {
    assert.ok(await waitsWhile(2 * slowestBytesPerMs))
  })

  it('does not when it drips', async () => {
    assert.ok(!(await waitsWhile(slowestBytesPerMs / 20)))
  })
})
