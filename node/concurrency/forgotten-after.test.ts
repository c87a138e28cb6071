/** Tests of caches that empty themselves. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LRUCache } from 'lru-cache'
import { forgottenAfter } from './forgotten-after.ts'

it('forgets what nobody asks for, without a question, and keeps what somebody does', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 1
  const pass = (ms: number) => {
    now += ms
    t.mock.timers.tick(ms)
  }
  const cache = new LRUCache<string, number>({
    maxSize: 10,
    sizeCalculation: () => 1,
    ...forgottenAfter(60_000),
    perf: { now: () => now },
  })
  cache.set('used', 1).set('unused', 2)
  pass(40_000)
  cache.get('used')
  pass(40_000)
  assert.deepEqual([...cache.keys()], ['used'])
  pass(40_000)
  assert.equal(cache.size, 0)
})
