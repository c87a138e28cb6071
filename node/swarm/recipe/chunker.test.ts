/** Tests of the chunker: borders that don't depend on pieces, bounds, locality, and golden borders. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { cutsArbitrary, noise, pieces } from '../../../test/helpers/planted-nar.ts'
import { Chunker, gearTable, maxChunkSize, minChunkSize } from './chunker.ts'

const bytesArbitrary = fc
  .array(
    fc.tuple(fc.constantFrom('a', 'b', 'c', 'zeros'), fc.integer({ min: 1, max: 400_000 })).map(([seed, length]) => {
      return seed === 'zeros' ? new Uint8Array(length) : noise(seed, length)
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map(parts => Buffer.concat(parts))

test('chunker: borders do not depend on how the stream is cut', () => {
  fc.assert(
    fc.property(bytesArbitrary, cutsArbitrary, (bytes, cuts) => {
      const chunker = new Chunker()
      const lengths: number[] = []
      let length = 0
      for (const piece of pieces(bytes, cuts)) {
        for (let start = 0; start < piece.length; ) {
          const border = chunker.next(piece, start)
          const end = border === -1 ? piece.length : border
          length += end - start
          start = end
          if (border === -1) continue
          lengths.push(length)
          length = 0
        }
      }
      if (length > 0) lengths.push(length)
      assert.deepEqual(lengths, chunkLengths(bytes))
    }),
    { numRuns: 50 },
  )
})

test('chunker: chunks cover the bytes and keep to the bounds', () => {
  fc.assert(
    fc.property(bytesArbitrary, bytes => {
      const lengths = chunkLengths(bytes)
      assert.equal(
        lengths.reduce((sum, length) => sum + length, 0),
        bytes.length,
      )
      assert.ok(lengths.every(length => length <= maxChunkSize))
      assert.ok(lengths.slice(0, -1).every(length => length > minChunkSize))
    }),
    { numRuns: 50 },
  )
})

test('chunker: what never matches is cut at the maximum', () => {
  assert.deepEqual(chunkLengths(new Uint8Array(2 * maxChunkSize + 1)), [maxChunkSize, maxChunkSize, 1])
})

test('chunker: an insertion changes few chunks', () => {
  const before = noise('locality', 4_000_000)
  const after = Buffer.concat([before.subarray(0, 2_000_000), Buffer.from('inserted'), before.subarray(2_000_000)])
  const known = new Set(chunkHashes(before))
  const fresh = chunkHashes(after).filter(hash => !known.has(hash))
  assert.ok(fresh.length <= 3, `expected at most 3 new chunks, got ${fresh.length}`)
})

test('chunker: golden gear table and borders', () => {
  const table = Buffer.alloc(1024)
  gearTable.forEach((value, i) => {
    table.writeInt32BE(value, i * 4)
  })
  assert.equal(
    createHash('sha256').update(table).digest('hex'),
    '7415033368788e071175fd04d31d6c9d533802a6c1b9daa79443781699a8fd23',
  )
  assert.deepEqual(
    chunkLengths(noise('golden', 600_000)),
    [89_566, 66_772, 73_305, 69_689, 65_927, 70_996, 82_748, 75_618, 5_379],
  )
})

function chunkHashes(bytes: Uint8Array): string[] {
  let offset = 0
  return chunkLengths(bytes).map(length => {
    offset += length
    return createHash('sha256')
      .update(bytes.subarray(offset - length, offset))
      .digest('hex')
  })
}

/** The lengths of the chunks of bytes that are all at hand. */
function chunkLengths(bytes: Uint8Array): number[] {
  const chunker = new Chunker()
  const lengths: number[] = []
  for (let start = 0; start < bytes.length; ) {
    const border = chunker.next(bytes, start)
    const end = border === -1 ? bytes.length : border
    lengths.push(end - start)
    start = end
  }
  return lengths
}
