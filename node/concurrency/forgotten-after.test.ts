/** Tests of caches that empty themselves. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LRUCache } from 'lru-cache'
import { until } from '../../test/helpers/until.ts'
import { forgottenAfter } from './forgotten-after.ts'

it('forgets what nobody asks for, and keeps what somebody does', async () => {
  const cache = new LRUCache<string, number>({ max: 2, ...forgottenAfter(2_000) })
  cache.set('used', 1).set('unused', 2)
  await until(() => cache.get('used') && !cache.has('unused'), 'one of two to be forgotten')
  assert.deepEqual([...cache.keys()], ['used'])
})

it('empties the cache without a question', async () => {
  const cache = new LRUCache<string, number>({ maxSize: 2, sizeCalculation: () => 1, ...forgottenAfter(5) })
  for (let number = 0; number < 10; number++) cache.set(`${number}`, number)
  await until(() => cache.size === 0, 'all to be forgotten')
})
