/** Tests of the choice of delta bases: from which older version, and from where in it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Recipe } from '../../../protocol/closure/recipe.ts'
import { sha256, toHex } from '../../../protocol/encoding/hash.ts'
import { testStorePath } from '../../../test/helpers/fleet.ts'
import { BaseFinder } from './base-finder.ts'

const chunkBytes = 64 * 1024

/** A recipe of chunks that no other word has. */
function recipeOf(word: string, count: number): Recipe {
  const chunks = Array.from({ length: count }, (_, i) => {
    return { hash: sha256(Buffer.from(`${word} ${i}`)), offset: i * chunkBytes, length: chunkBytes }
  })
  return { size: count * chunkBytes, chunks, slotCount: 0, positions: [] as never }
}

/** Finds the bases of a new version where these older ones are stored, with shifts in KiB from some of them. */
async function found(fresh: Recipe, old: Readonly<Record<string, Recipe>>, shifts: Readonly<Record<string, number>>) {
  const idOf = (word: string) => sha256(Buffer.from(word))
  const stored = new Map(
    Object.entries(old).map(([word, recipe]) => [testStorePath(`browser-${word}`), { word, recipe }]),
  )
  const path = { path: testStorePath('browser-9.0'), recipe: idOf('new') }
  const entry = { described: path, recipe: fresh, chunks: fresh.chunks.map((_, i) => i) }
  let asked = 0
  const finder = new BaseFinder({
    list: { placeOf: () => ({ path: entry }) } as never,
    index: { paths: async () => [...stored.keys()] },
    recipes: {
      idFor: async each => idOf(stored.get(each)?.word ?? ''),
      recipeFor: async each => stored.get(each)?.recipe,
    },
    shifts: async () => {
      asked++
      return (from, to) => {
        const [word] = Object.keys(shifts).filter(each => toHex(idOf(each)) === toHex(from))
        return word === undefined ? undefined : { from, to, cells: new Array(256).fill(shifts[word]) }
      }
    },
  })
  await finder.find([entry as never], () => true)
  return { finder, asked, idOf }
}

describe('delta bases', () => {
  it('lie where shifts tell, and as far along as the chunk where there are none', async () => {
    const fresh = recipeOf('new', 256)
    const { finder, asked } = await found(fresh, { '1.0': recipeOf('old', 256) }, { '1.0': 4096 })
    assert.equal(asked, 1)
    assert.deepEqual([finder.baseOf(100)?.first, finder.baseOf(100)?.count], [100 + 64 - 4, 9])
    const plain = await found(fresh, { '1.0': recipeOf('old', 256) }, {})
    assert.deepEqual([plain.finder.baseOf(100)?.first, plain.finder.baseOf(100)?.count], [100 - 4, 9])
  })

  it('stay within the old version, however far the shifts point', async () => {
    for (const shift of [-1_000_000, 1_000_000]) {
      const { finder } = await found(recipeOf('new', 256), { '1.0': recipeOf('old', 200) }, { '1.0': shift })
      for (let number = 0; number < 256; number++) {
        const { first = -1, count = 0 } = finder.baseOf(number) ?? {}
        assert.ok(first >= 0 && count >= 1 && first + count <= 200)
      }
    }
  })

  it('are of a version whose shifts are known rather than of the nearest size', async () => {
    const old = { '1.0': recipeOf('old', 256), '2.0': recipeOf('older', 200) }
    const { finder, idOf } = await found(recipeOf('new', 256), old, { '2.0': 64 })
    assert.deepEqual(finder.baseOf(7)?.recipe, idOf('2.0'))
  })

  it('need no shifts for small paths', async () => {
    const { finder, asked } = await found(recipeOf('new', 16), { '1.0': recipeOf('old', 16) }, { '1.0': 64 })
    assert.equal(asked, 0)
    assert.notEqual(finder.baseOf(7), undefined)
  })
})
