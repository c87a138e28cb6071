/** Tests of the recipe format: golden bytes, one encoding only, and bounds. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { decode, encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { FormatError } from '../encoding/cbor.ts'
import { packVarints } from '../encoding/varint.ts'
import { referenceLength } from './positions.ts'
import { decodeRecipe, encodeRecipe, type Recipe, recipeId, recipeLimits } from './recipe.ts'

/** A recipe from chunk lengths and the references' gaps and slots; slots are renumbered by first occurrence. */
function recipeOf(lengths: readonly number[], references: readonly { gap: number; slot: number }[] = []): Recipe {
  let size = 0
  const chunks = lengths.map((length, i) => {
    size += length
    return { hash: new Uint8Array(32).fill(i), offset: size - length, length }
  })
  const order: number[] = []
  const offsets: number[] = []
  const slots: number[] = []
  let end = 0
  for (const { gap, slot } of references) {
    if (end + gap + referenceLength > size) break
    if (!order.includes(slot)) order.push(slot)
    slots.push(order.indexOf(slot))
    offsets.push(end + gap)
    end += gap + referenceLength
  }
  const positions = { offsets: Float64Array.from(offsets), slots: Uint32Array.from(slots) }
  return { size, chunks, slotCount: order.length, positions }
}

const recipeArbitrary = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: recipeLimits.chunkSize }), { minLength: 1, maxLength: 20 }),
    fc.array(fc.record({ gap: fc.nat({ max: 100_000 }), slot: fc.nat({ max: 300 }) }), { maxLength: 50 }),
  )
  .map(([lengths, references]) => recipeOf(lengths, references))

const hasCode = (code: FormatError['code']) => (thrown: unknown) =>
  thrown instanceof FormatError && thrown.code === code

test('recipe: golden bytes', () => {
  const golden = readFileSync(new URL('../../test/fixtures/recipe.v1.cbor', import.meta.url))
  const references = [
    { gap: 100, slot: 7 },
    { gap: 0, slot: 3 },
    { gap: 70_000, slot: 7 },
  ]
  const recipe = recipeOf([65_536, 262_144, 1], references)
  assert.equal(Buffer.from(encodeRecipe(recipe)).toString('hex'), golden.toString('hex'))
  assert.deepEqual(decodeRecipe(golden).positions, recipe.positions)
  const id = '21b85fe25533b2614027e3ab97815cefabbfe51a1b8695b9dcd98c2ee42653ac'
  assert.equal(Buffer.from(recipeId(golden)).toString('hex'), id)
})

test('recipe: there and back', () => {
  fc.assert(
    fc.property(recipeArbitrary, recipe => {
      const bytes = encodeRecipe(recipe)
      const decoded = decodeRecipe(bytes)
      assert.deepEqual(decoded, recipe)
      assert.deepEqual(encodeRecipe(decoded), bytes)
    }),
  )
})

test('recipe: damaged bytes are refused or mean another recipe with one encoding', () => {
  fc.assert(
    fc.property(recipeArbitrary, fc.nat(), fc.integer({ min: 1, max: 255 }), (recipe, place, flip) => {
      const bytes = encodeRecipe(recipe)
      const at = place % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ flip
      try {
        assert.deepEqual(encodeRecipe(decodeRecipe(bytes)), bytes)
      } catch (thrown) {
        assert.ok(thrown instanceof FormatError, String(thrown))
      }
    }),
  )
})

test('recipe: refuses what breaks a rule', () => {
  const good = decode<Record<string, unknown>>(
    encodeRecipe(
      recipeOf(
        [1000],
        [
          { gap: 10, slot: 0 },
          { gap: 5, slot: 1 },
        ],
      ),
    ),
  )
  assert.ok(decodeRecipe(encode(good)))
  const refused: [string, Record<string, unknown>, RegExp][] = [
    ['another version', { v: 2 }, /v/],
    ['an unknown field', { more: 1 }, /more/],
    ['another size', { size: 1001 }, /1001 bytes together, got 1000/],
    ['a huge NAR', { size: recipeLimits.narSize + 1 }, /size/],
    ['a fraction', { size: 1.5 }, /size/],
    ['no chunk lengths', { lengths: new Uint8Array() }, /lengths/],
    ['an empty chunk', { lengths: Uint8Array.of(0) }, /1 to 262144/],
    ['a large chunk', { lengths: Uint8Array.of(0x81, 0x80, 0x10) }, /got one of 262145/],
    ['half a hash', { hashes: new Uint8Array(48) }, /1 hashes of 32/],
    ['a slot that never occurs', { slots: 3 }, /3 slots, got 2/],
    ['a slot that is not counted', { slots: 1 }, /1 slots, got 2/],
    ['slots in another order', { positions: Uint8Array.of(10, 1, 5, 0) }, /first occurrence/],
    ['a gap without slot', { positions: Uint8Array.of(10, 0, 5) }, /pairs/],
    ['a position beyond the end', { positions: Uint8Array.of(10, 0, 0xa0, 7, 1) }, /within 1000 bytes/],
  ]
  for (const [what, change, message] of refused) {
    const bytes = encode({ ...good, ...change })
    assert.throws(
      () => decodeRecipe(bytes),
      thrown => hasCode('malformed')(thrown) && message.test((thrown as FormatError).message),
      what,
    )
  }
  assert.throws(() => decodeRecipe(new Uint8Array(recipeLimits.recipeSize + 1)), hasCode('too-large'))
  assert.throws(() => decodeRecipe(new Uint8Array()), hasCode('malformed'))
})

test('recipe: cannot expand beyond what it may hold, however short it is', () => {
  const good = decode<Record<string, unknown>>(encodeRecipe(recipeOf([recipeLimits.chunkSize], [{ gap: 0, slot: 0 }])))
  const { chunkCount, chunkSize, positionCount } = recipeLimits
  // Two bytes a reference, so that more fit the packed column than a NAR may have.
  const many = new Uint8Array(2 * (positionCount + 1))
  const size = (positionCount + 1) * referenceLength
  const lengths = packVarints(Array<number>(Math.ceil(size / chunkSize)).fill(chunkSize))
  const chunks = Math.ceil(size / chunkSize)
  const refused: [string, Record<string, unknown>][] = [
    [
      'more references than there may be',
      { positions: many, size: chunks * chunkSize, lengths, hashes: new Uint8Array(32 * chunks) },
    ],
    ['more chunks than there may be', { lengths: new Uint8Array(chunkCount * 3 + 1).fill(1) }],
    ['more hashes than there may be', { hashes: new Uint8Array((chunkCount + 1) * 32) }],
    ['chunks that count to more than a NAR may hold', { size: 2 ** 53 - 1 }],
    ['more slots than there may be', { slots: recipeLimits.slotCount + 1 }],
  ]
  for (const [what, change] of refused) {
    assert.throws(() => decodeRecipe(encode({ ...good, ...change })), FormatError, what)
  }
})

test('recipe: refuses other encodings of the same content', () => {
  const bytes = Buffer.from(encodeRecipe(recipeOf([1000])))
  // `v` is the first key of the map of six: a1 "v" 01. One as a two-byte integer says the same.
  assert.equal(bytes.subarray(0, 4).toString('hex'), 'a6617601')
  const longer = Buffer.concat([bytes.subarray(0, 3), Buffer.of(0x18, 1), bytes.subarray(4)])
  assert.throws(() => decodeRecipe(longer), FormatError)
  const moved = Buffer.concat([bytes.subarray(0, 1), bytes.subarray(4), bytes.subarray(1, 4)])
  assert.throws(() => decodeRecipe(moved), hasCode('not-canonical'))
})
