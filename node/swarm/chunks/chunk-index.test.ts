/** Tests of the chunk index: places come with paths and go with them, as in a plain map. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { Level } from 'level'
import type { Recipe } from '../../../protocol/closure/recipe.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { noPositions, storePath } from '../../../test/helpers/planted-nar.ts'
import { ChunkIndex, maxPlaces } from './chunk-index.ts'

let directory = ''
let db: Level
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'thymesh-chunk-index-'))
  db = new Level(directory)
  await db.open()
})
after(async () => {
  await db.close()
  await rm(directory, { recursive: true, force: true })
})

const hashOf = (content: number) => sha256(Uint8Array.of(content))

/** A recipe whose chunks have these contents, of 10 bytes each. */
function recipeOf(contents: readonly number[]): Recipe {
  const chunks = contents.map((content, i) => ({ hash: hashOf(content), offset: i * 10, length: 10 }))
  return { size: contents.length * 10, chunks, slotCount: 0, positions: noPositions }
}

test('chunk index: behaves as a map of paths to chunks does', async () => {
  const path = fc.integer({ min: 0, max: 6 }).map(i => storePath(`path ${i}`))
  const contents = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 12 })
  const step = fc.oneof(fc.record({ add: path, contents }), fc.record({ remove: path }))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
      const index = new ChunkIndex(db)
      await index.clear()
      const model = new Map<string, readonly number[]>()
      for (const action of steps) {
        if ('add' in action) {
          // A path's content never changes.
          const added = model.get(action.add) ?? action.contents
          model.set(action.add, added)
          await index.add(action.add, recipeOf(added))
        } else {
          model.delete(action.remove)
          await index.remove(action.remove)
        }
      }
      const wanted = Array.from({ length: 11 }, (_, content) => content)
      const expected = wanted.map(content =>
        [...model]
          .filter(([, known]) => known.includes(content))
          .map(([known, held]) => ({ path: known, offset: held.indexOf(content) * 10, length: 10 }))
          .toSorted((a, b) => (a.path < b.path ? -1 : 1))
          .slice(0, maxPlaces),
      )
      assert.deepEqual(await index.lookUp(wanted.map(hashOf)), expected)
      assert.deepEqual(await index.paths(), [...model.keys()].toSorted())
    }),
    { numRuns: 50 },
  )
})

test('chunk index: leaves nothing behind, and other tables alone', async () => {
  const index = new ChunkIndex(db)
  await index.clear()
  await db.put('other', 'kept')
  const path = storePath('wide')
  const contents = Array.from({ length: 2500 }, (_, i) => i)
  const recipe = {
    ...recipeOf(contents),
    chunks: contents.map(i => ({ hash: sha256(Buffer.from(`${i}`)), offset: i, length: 1 })),
  }
  await Promise.all([index.add(path, recipe), index.remove(path), index.add(path, recipe)])
  const found = await index.lookUp(recipe.chunks.map(({ hash }) => hash))
  assert.deepEqual(
    found,
    contents.map(i => [{ path, offset: i, length: 1 }]),
  )
  assert.ok(await index.has(path))
  await index.remove(path)
  assert.deepEqual(await db.keys().all(), ['other'])
  await db.del('other')
})

test('chunk index: gives a few of many places', async () => {
  const index = new ChunkIndex(db)
  await index.clear()
  const paths = Array.from({ length: 300 }, (_, i) => storePath(`copy ${i}`)).toSorted()
  for (const path of paths) await index.add(path, recipeOf([1, 2]))
  const places = paths.slice(0, maxPlaces).map(path => ({ path, offset: 0, length: 10 }))
  assert.deepEqual(await index.lookUp([hashOf(1)]), [places])
  const many = await index.lookUp([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(hashOf))
  assert.deepEqual(many[1], places)
  assert.deepEqual(
    many.map(found => found.length),
    [0, maxPlaces, maxPlaces, 0, 0, 0, 0, 0, 0, 0],
  )
})

test('chunk index: a damaged entry is no place', async () => {
  const index = new ChunkIndex(db)
  await index.clear()
  await index.add(storePath('damaged'), recipeOf([1]))
  const [key] = await db.keys({ gte: '!chunk-places!' }).all()
  await db.put(key ?? '', Buffer.of(0x80), { valueEncoding: 'buffer' })
  assert.deepEqual(await index.lookUp([hashOf(1)]), [[]])
})
