/** Chunks of a closure, numbered by first occurrence: the same for everyone who has the same documents. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { decodeRecipe, type Recipe } from '../../../protocol/closure/recipe.ts'
import { equalBytes, sha256, toHex } from '../../../protocol/encoding/hash.ts'
import { ChunkedClosure, memoryPath } from '../../../test/helpers/chunked-closure.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { noise, storePath } from '../../../test/helpers/planted-nar.ts'
import { ChunkList } from './chunk-list.ts'

/** Two paths with the same bytes, and one of its own above them. */
async function twins(): Promise<ChunkedClosure> {
  const bytes = noise('twins', 400_000)
  const [a, b, top] = [storePath('a'), storePath('b'), storePath('top')]
  return await ChunkedClosure.of([
    memoryPath(a, bytes),
    memoryPath(b, bytes),
    memoryPath(top, noise('top', 1000), [a, b]),
  ])
}

async function recipesOf({ closure, document }: ChunkedClosure): Promise<Map<string, Recipe>> {
  const recipes = new Map<string, Recipe>()
  for (const { recipe } of closure.paths) {
    recipes.set(toHex(recipe), decodeRecipe((await document(recipe)) ?? new Uint8Array()))
  }
  return recipes
}

it('numbers each different chunk once, in the order of first occurrence', async () => {
  const chunked = await twins()
  const { list } = chunked
  const [a, b, top] = list.paths
  assert.ok(a && b && top)
  assert.deepEqual([...a.chunks], [...a.chunks.keys()])
  assert.deepEqual([...b.chunks], [...a.chunks])
  assert.deepEqual([...top.chunks], [a.chunks.length])
  assert.equal(list.count, a.chunks.length + 1)
  for (let number = 0; number < list.count; number++) {
    const bytes = await chunked.chunk(number)
    assert.ok(equalBytes(sha256(bytes), list.hash(number)))
    assert.equal(bytes.length, list.length(number))
    const { path, place } = list.placeOf(number)
    assert.equal(path.chunks[place], number)
  }
  assert.equal(list.placeOf(0).path, a)
  assert.throws(() => list.placeOf(list.count), RangeError)
})

it('is the same made again, and refuses recipes that lack or fit nothing', async () => {
  const chunked = await twins()
  const recipes = await recipesOf(chunked)
  const again = new ChunkList(chunked.closure, recipes)
  assert.equal(again.count, chunked.list.count)
  for (let number = 0; number < again.count; number++) assert.deepEqual(again.hash(number), chunked.list.hash(number))
  assert.throws(() => new ChunkList(chunked.closure, new Map()), withCode('missing-recipe'))
  const [first, ...rest] = chunked.closure.paths
  assert.ok(first)
  const otherSize = { v: 1 as const, paths: [{ ...first, narSize: first.narSize + 1 }, ...rest] }
  assert.throws(() => new ChunkList(otherSize, recipes), withCode('wrong-recipe'))
})
