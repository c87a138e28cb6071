/** Serial queues: one thing at a time, also after one that failed. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SerialQueue } from './serial-queue.ts'

const nextTurn = () => new Promise(resolve => setImmediate(resolve))

describe('SerialQueue', () => {
  it('runs one at a time, in order', async () => {
    const queue = new SerialQueue()
    const events: string[] = []
    const step = (name: string) => async () => {
      events.push(`${name} begins`)
      await nextTurn()
      events.push(`${name} ends`)
      return name
    }
    assert.deepEqual(await Promise.all([queue.run(step('a')), queue.run(step('b'))]), ['a', 'b'])
    assert.deepEqual(events, ['a begins', 'a ends', 'b begins', 'b ends'])
  })

  it('goes on after a failure, which only its caller sees', async () => {
    const queue = new SerialQueue()
    const failed = queue.run(() => {
      throw new Error('failed')
    })
    const next = queue.run(() => 7)
    await assert.rejects(failed, /failed/)
    assert.equal(await next, 7)
  })

  it('drains: what was asked for has ended, and its failure is handled', async () => {
    const queue = new SerialQueue()
    const events: string[] = []
    void queue
      .run(async () => {
        await nextTurn()
        throw new Error('failed')
      })
      .catch(() => events.push('handled'))
    await queue.drain()
    assert.deepEqual(events, ['handled'])
    await new SerialQueue().drain()
  })
})
