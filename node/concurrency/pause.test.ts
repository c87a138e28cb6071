/** Pauses: ended by what wakes them or by time, and no timer stays behind. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { pause } from './pause.ts'

const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
const longMs = 60_000

it('ends with what wakes it', async () => {
  const before = timers()
  const { promise, resolve } = Promise.withResolvers<void>()
  const paused = pause(promise, longMs)
  assert.equal(timers(), before + 1)
  resolve()
  await paused
  assert.equal(timers(), before)
  await assert.rejects(pause(Promise.reject(new Error('failed')), longMs), /failed/)
  assert.equal(timers(), before)
})

it('ends after its time', async () => {
  await pause(new Promise(() => {}), 1)
})

it('waits without a limit where none is given', async () => {
  const before = timers()
  const { promise, resolve } = Promise.withResolvers<void>()
  const paused = pause(promise, undefined)
  assert.equal(timers(), before)
  resolve()
  await paused
})
