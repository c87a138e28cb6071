/** Layouts are computed once, kept while they fit, and forgotten in order of use. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../test/helpers/until.ts'
import { NarLayoutCache } from './nar-cache.ts'
import type { NarLayout } from './nar-table.ts'

function counted(memoryBytes: number) {
  const computed: string[] = []
  const layOut = async (root: string): Promise<NarLayout> => {
    computed.push(root)
    // The cache looks at nothing else of it.
    return { memoryBytes } as NarLayout
  }
  return { computed, layOut, cache: new NarLayoutCache({ maxBytes: 25, layOut }) }
}

test('one computation serves all who ask meanwhile and later', async () => {
  const { cache, computed } = counted(10)
  await Promise.all([cache.get('a', '/a'), cache.get('a', '/a')])
  await cache.get('a', '/a')
  assert.deepEqual(computed, ['/a'])
})

test('the least recently used goes first', async () => {
  const { cache, computed } = counted(10)
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.get(key, key)
  assert.deepEqual(computed, ['a', 'b', 'c', 'b'])
  assert.equal(cache.bytes, 20)
  cache.delete('a')
  cache.delete('a')
  assert.equal(cache.bytes, 10)
  cache.clear()
  assert.equal(cache.bytes, 0)
})

test('one that nobody asks for is forgotten', async () => {
  const { layOut } = counted(10)
  const cache = new NarLayoutCache({ idleMs: 5, layOut })
  await cache.get('a', '/a')
  await until(() => cache.bytes === 0, 'the layout to be forgotten')
})

test('one that is larger than the cache is kept alone', async () => {
  const { cache, computed } = counted(100)
  for (const key of ['a', 'a', 'b', 'a']) await cache.get(key, key)
  assert.deepEqual(computed, ['a', 'b', 'a'])
  assert.equal(cache.bytes, 100)
})

test('a failure is not kept', async () => {
  let fail = true
  const good = counted(1)
  const cache = new NarLayoutCache({
    layOut: root => (fail ? Promise.reject(new Error('no')) : good.cache.get(root, root)),
  })
  await assert.rejects(cache.get('a', '/a'))
  fail = false
  assert.equal((await cache.get('a', '/a')).memoryBytes, 1)
})
