/** Tests of delta bases: old chunks near the new one's place, within bounds, whatever the recipes are. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Recipe } from '../../../protocol/closure/recipe.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { maxBaseBytes, maxBaseChunks } from '../../../protocol/messages/swarm.ts'
import { align } from './align.ts'

/** A recipe of chunks named by letters, each of a length. */
function recipeOf(letters: string, length = 64 * 1024): Recipe {
  const chunks = [...letters].map((letter, i) => ({ hash: sha256(Buffer.from(letter)), offset: i * length, length }))
  return { size: letters.length * length, chunks, slotCount: 0, positions: [] as never }
}

/** The old chunks for each new one, as letters. */
function aligned(before: string, after: string): string[] {
  return align(recipeOf(before), recipeOf(after)).map(run => {
    return run === undefined ? '' : before.slice(run.first, run.first + run.count)
  })
}

describe('old chunks for new ones', () => {
  it('are what stands between the same neighbours', () => {
    assert.deepEqual(aligned('abcdef', 'abXYef'), ['', '', 'cd', 'cd', '', ''])
    assert.deepEqual(aligned('abc', 'Xbc'), ['a', '', ''])
    assert.deepEqual(aligned('abc', 'abX'), ['', '', 'c'])
  })

  it('are what stands around the place where something is put in', () => {
    const [run = ''] = aligned('abcdefghijklmnop', 'abcdefghXijklmnop').filter(each => each !== '')
    assert.match(run, /hi/)
    assert.ok(run.length < 16)
  })

  it('lie as far along as the new one does when nothing is the same', () => {
    const old = 'abcdefghijklmnopqrstuvwxyz'
    const runs = aligned(old, old.toUpperCase())
    assert.match(runs[0] ?? '', /^a/)
    assert.match(runs[13] ?? '', /n/)
    assert.match(runs[25] ?? '', /z$/)
  })

  it('are none when there are none', () => {
    assert.deepEqual(aligned('', 'ab'), ['', ''])
    assert.deepEqual(aligned('ab', ''), [])
  })

  it('are within the recipe and the bounds of a request, whatever the recipes are', () => {
    const some = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.integer({ min: 1, max: 256 * 1024 })), { maxLength: 200 })
    const recipe = some.map(chunks => {
      let offset = 0
      const placed = chunks.map(([letter, length]) => {
        offset += length
        return { hash: sha256(Uint8Array.of(letter)), offset: offset - length, length }
      })
      return { size: offset, chunks: placed, slotCount: 0, positions: [] as never }
    })
    fc.assert(
      fc.property(recipe, recipe, (before, after) => {
        const runs = align(before, after)
        assert.equal(runs.length, after.chunks.length)
        for (const run of runs) {
          if (run === undefined) continue
          const chunks = before.chunks.slice(run.first, run.first + run.count)
          assert.equal(chunks.length, run.count)
          assert.ok(run.count >= 1 && run.count <= maxBaseChunks)
          assert.ok(chunks.reduce((sum, { length }) => sum + length, 0) <= maxBaseBytes)
        }
      }),
    )
  })
})
