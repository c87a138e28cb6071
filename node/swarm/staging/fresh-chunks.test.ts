/** Tests of which staged chunks count as fresh. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FreshChunks } from './fresh-chunks.ts'

test('only the chunks that were written last are fresh', () => {
  const fresh = new FreshChunks(number => 10 * (number + 1), 60)
  const known = () => [0, 1, 2, 3].filter(number => fresh.has(number))
  for (const number of [0, 1, 2]) fresh.add(number)
  assert.deepEqual(known(), [0, 1, 2])
  // Written again, so another one is the oldest now.
  fresh.add(0)
  fresh.add(3)
  assert.deepEqual(known(), [0, 3])
  fresh.delete(3)
  fresh.delete(3)
  fresh.add(2)
  fresh.add(1)
  assert.deepEqual(known(), [0, 1, 2])
})
