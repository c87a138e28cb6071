/** Tests of making recipes: rebuilds have equal recipes, every chunk can be served, and damage is noticed. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeRecipe, encodeRecipe, recipeId } from '../../../protocol/closure/recipe.ts'
import {
  memoryNar,
  noise,
  type Planted,
  plantedBytes,
  plantedNar,
  storePath,
} from '../../../test/helpers/planted-nar.ts'
import { MakeRecipeError, makeRecipeOf, type NarFacts } from './make-recipe.ts'
import { normaliseRange, restore } from './normalise.ts'

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
const hashPartOf = (path: string) => path.slice('/nix/store/'.length).slice(0, 32)

/** A NAR and what Nix would say of it, in a build where all hashes come from `build`. */
function built(planted: Planted, build: string, count = 4) {
  const references = Array.from({ length: count }, (_, i) => storePath(`${build} ${i}`, `reference-${i}`))
  const bytes = plantedBytes(planted, references.map(hashPartOf))
  const path = references[0] ?? ''
  const facts: NarFacts = { path, references: references.toSorted(), narHash: sha256(bytes), narSize: bytes.length }
  return { bytes, facts }
}

test('makeRecipe: a rebuild that changed only hashes has the same recipe', async () => {
  await fc.assert(
    fc.asyncProperty(plantedNar(4), fc.string(), fc.integer({ min: 1, max: 100_000 }), async (planted, build, size) => {
      const before = built(planted, 'first')
      const after = built(planted, `second ${build}`)
      const made = await makeRecipeOf(memoryNar(before.bytes), before.facts)
      const remade = await makeRecipeOf(memoryNar(after.bytes, size), after.facts)
      assert.deepEqual(remade.bytes, made.bytes)
      assert.deepEqual(remade.id, made.id)
      assert.deepEqual(
        remade.references.slice(0, made.recipe.slotCount).map(path => path.slice(44)),
        made.references.slice(0, made.recipe.slotCount).map(path => path.slice(44)),
      )
    }),
    { numRuns: 50 },
  )
})

test('makeRecipe: each chunk served from the raw NAR has the hash that is named, and restores', async () => {
  await fc.assert(
    fc.asyncProperty(plantedNar(4), async planted => {
      const { bytes, facts } = built(planted, 'first')
      const nar = memoryNar(bytes)
      const made = await makeRecipeOf(nar, facts)
      const recipe = decodeRecipe(made.bytes)
      const slots = made.references.map(path => Buffer.from(hashPartOf(path)))
      const restored: Uint8Array[] = []
      for (const { hash, offset, length } of recipe.chunks) {
        const chunk = normaliseRange(await nar.readRange(offset, length), offset, recipe.positions)
        assert.deepEqual(sha256(chunk), new Uint8Array(hash))
        restored.push(restore(chunk, offset, recipe.positions, slots))
      }
      assert.deepEqual(sha256(Buffer.concat(restored)), facts.narHash)
      assert.deepEqual(encodeRecipe(recipe), made.bytes)
      assert.deepEqual(recipeId(made.bytes), made.id)
    }),
    { numRuns: 50 },
  )
})

test('makeRecipe: references that do not occur come after the slots, sorted', async () => {
  const { bytes, facts } = built([Buffer.from('x'), 2, 1, 2], 'first')
  const made = await makeRecipeOf(memoryNar(bytes), facts)
  assert.equal(made.recipe.slotCount, 2)
  assert.deepEqual(
    made.references.slice(0, 2).map(path => path.slice(44)),
    ['reference-2', 'reference-1'],
  )
  assert.deepEqual(made.references.toSorted(), facts.references)
  assert.deepEqual(made.references.slice(2), made.references.slice(2).toSorted())
})

test('makeRecipe: a hash that is no registered reference is content', async () => {
  const { bytes, facts } = built([0, 1], 'first')
  const made = await makeRecipeOf(memoryNar(bytes), { ...facts, references: facts.references.slice(0, 0) })
  assert.equal(made.recipe.slotCount, 0)
  assert.deepEqual(made.recipe.chunks[0]?.hash, sha256(bytes))
})

test('makeRecipe: refuses a NAR that Nix did not register', async () => {
  const { bytes, facts } = built([noise('content', 200_000), 1], 'first')
  const damaged = Buffer.from(bytes)
  damaged[100_000] = 1 ^ (damaged[100_000] ?? 0)
  const mismatch = (thrown: unknown) => thrown instanceof MakeRecipeError && thrown.code === 'nar-mismatch'
  await assert.rejects(makeRecipeOf(memoryNar(damaged), facts), mismatch)
  await assert.rejects(makeRecipeOf(memoryNar(bytes.subarray(1)), facts), mismatch)
  await assert.rejects(makeRecipeOf(memoryNar(Buffer.concat([bytes, bytes])), facts), mismatch)
})

test('makeRecipe: falls back to a recipe without slots when there are too many references', async () => {
  const reference = storePath('often')
  const bytes = Buffer.from(hashPartOf(reference).repeat(1024 ** 2 + 1))
  const facts = { path: storePath('wide'), references: [reference], narHash: sha256(bytes), narSize: bytes.length }
  const made = await makeRecipeOf(memoryNar(bytes, 2 ** 20), facts)
  assert.equal(made.recipe.slotCount, 0)
  assert.deepEqual(made.references, [reference])
})

test('makeRecipe: stops when asked', async () => {
  const { bytes, facts } = built([noise('content', 200_000)], 'first')
  await assert.rejects(makeRecipeOf(memoryNar(bytes), facts, AbortSignal.abort(new Error('enough'))), /enough/)
})
