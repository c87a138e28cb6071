/** Tests of when a fetch looks for the next requests. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { askPauseMs } from '../limits.ts'
import { AskTurns } from './ask-turns.ts'

function turns(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
  const made = { asked: 0 }
  const turns = new AskTurns(() => made.asked++)
  t.after(() => turns.stop())
  return { turns, made, tick: (milliseconds: number) => t.mock.timers.tick(milliseconds) }
}

test('whatever calls for it in one turn of the event loop is asked once, and what can wait goes with it', t => {
  const { turns: asks, made, tick } = turns(t)
  for (let i = 0; i < 3; i++) {
    asks.soon()
    asks.next()
  }
  tick(0)
  assert.equal(made.asked, 1)
  tick(askPauseMs)
  assert.equal(made.asked, 1)
})

test('what can wait is asked together after a pause', t => {
  const { turns: asks, made, tick } = turns(t)
  asks.soon()
  tick(askPauseMs - 1)
  asks.soon()
  assert.equal(made.asked, 0)
  tick(1)
  assert.equal(made.asked, 1)
})

test('a later look is at the last time that was said, or never', t => {
  const { turns: asks, made, tick } = turns(t)
  asks.wakeIn(10)
  asks.wakeIn(50)
  tick(49)
  assert.equal(made.asked, 0)
  tick(1)
  assert.equal(made.asked, 1)
  asks.wakeIn(10)
  asks.sleep()
  asks.soon()
  asks.next()
  asks.stop()
  tick(1_000)
  assert.equal(made.asked, 1)
})
