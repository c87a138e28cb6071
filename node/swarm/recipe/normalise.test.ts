/** Tests of the normal form: found whatever the pieces are, and always restored exactly. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Positions } from '../../../protocol/closure/positions.ts'
import {
  cutsArbitrary,
  hashPart,
  noPositions,
  pieces,
  plantedBytes,
  plantedNar,
} from '../../../test/helpers/planted-nar.ts'
import { Normaliser, normaliseRange, restore } from './normalise.ts'

const hashParts = ['a', 'b', 'c', 'd'].map(hashPart)
const texts = hashParts.map(part => Buffer.from(part))

/** The definition, as plainly as can be: the leftmost reference, then the leftmost behind it. */
function expectedPositions(bytes: Uint8Array): { offset: number; hashPart: string }[] {
  const text = Buffer.from(bytes).toString('latin1')
  const found: { offset: number; hashPart: string }[] = []
  const pattern = new RegExp(hashParts.join('|'), 'g')
  for (const match of text.matchAll(pattern)) found.push({ offset: match.index, hashPart: match[0] })
  return found
}

test('normalise: finds what the definition says, whatever the pieces', () => {
  fc.assert(
    fc.property(plantedNar(4), cutsArbitrary, (planted, cuts) => {
      const bytes = plantedBytes(planted, hashParts)
      const normaliser = new Normaliser(hashParts)
      const out: Buffer[] = []
      for (const piece of pieces(bytes, cuts)) out.push(Buffer.from(normaliser.push(piece)))
      out.push(Buffer.from(normaliser.finish()))
      const positions = normaliser.positions()
      const found = [...positions.offsets].map((offset, i) => {
        return { offset, hashPart: hashParts[normaliser.order[positions.slots[i] ?? -1] ?? -1] }
      })
      assert.deepEqual(found, expectedPositions(bytes))
      const whole = normalise(bytes, hashParts)
      assert.deepEqual(Buffer.concat(out), Buffer.from(whole.bytes))
      assert.deepEqual(positions, whole.positions)
      assert.deepEqual(normaliser.order, whole.order)
    }),
  )
})

test('normalise: slots are numbered by first occurrence', () => {
  const { order, positions } = normalise(plantedBytes([2, 0, 2, Buffer.from('x'), 1], hashParts), hashParts)
  assert.deepEqual(order, [2, 0, 1])
  assert.deepEqual([...positions.slots], [0, 1, 0, 2])
  assert.deepEqual([...positions.offsets], [0, 32, 64, 97])
})

test('normalise: of overlapping matches the leftmost counts', () => {
  const left = 'a'.repeat(31).concat('b')
  const right = 'a'.repeat(30).concat('bc')
  const bytes = Buffer.from('a'.repeat(40).concat('bc'))
  const { positions, order } = normalise(bytes, [right, left])
  assert.deepEqual([...positions.offsets], [9])
  assert.deepEqual(order, [1])
})

test('normalise: any range can be blanked from the raw bytes, and restored', () => {
  const fraction = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(plantedNar(4), fraction, fraction, (planted, a, b) => {
      const bytes = plantedBytes(planted, hashParts)
      const { bytes: normal, positions, order } = normalise(bytes, hashParts)
      const slots = order.map(candidate => texts[candidate] ?? Buffer.alloc(0))
      const start = Math.floor(Math.min(a, b) * bytes.length)
      const end = Math.floor(Math.max(a, b) * bytes.length)
      const range = normaliseRange(bytes.slice(start, end), start, positions)
      assert.deepEqual(Buffer.from(range), Buffer.from(normal.subarray(start, end)))
      assert.deepEqual(Buffer.from(restore(range, start, positions, slots)), Buffer.from(bytes.subarray(start, end)))
      assert.deepEqual(Buffer.from(restore(normal, 0, positions, slots)), Buffer.from(bytes))
    }),
  )
})

test('normalise: without references nothing changes', () => {
  const bytes = plantedBytes([0, Buffer.from('text'), 1], hashParts)
  assert.deepEqual(Buffer.from(normalise(bytes, []).bytes), Buffer.from(bytes))
})

test('restore: refuses a slot that has no hash part', () => {
  const { bytes, positions } = normalise(plantedBytes([0, 1], hashParts), hashParts)
  assert.throws(() => restore(bytes, 0, positions, texts.slice(0, 1)), /slot 1/)
})

/** The normal form of bytes that are all at hand. */
function normalise(
  bytes: Uint8Array,
  hashParts: readonly string[],
): { bytes: Uint8Array; positions: Positions; order: readonly number[] } {
  if (hashParts.length === 0) return { bytes, positions: noPositions, order: [] }
  const normaliser = new Normaliser(hashParts)
  const normal = Buffer.concat([Buffer.from(normaliser.push(bytes)), normaliser.finish()])
  return { bytes: normal, positions: normaliser.positions(), order: normaliser.order }
}
