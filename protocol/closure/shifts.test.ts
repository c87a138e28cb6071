/** Tests of documents of shifts: one encoding only, and bounds. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { withCode } from '../../test/helpers/errors.ts'
import { sha256 } from '../encoding/hash.ts'
import { packVarints } from '../encoding/varint.ts'
import { shiftAt, shiftCellBytes, shiftLimits, shiftsCodec } from './shifts.ts'

const [one, other] = [sha256(Buffer.from('one')), sha256(Buffer.from('other'))]
const most = 1024 ** 2

test('shifts: there and back, in any order', () => {
  const cell = fc.option(fc.integer({ min: -most, max: most }), { nil: undefined })
  const cells = fc.array(cell, { maxLength: 50 }).map(list => [...list, 7])
  fc.assert(
    fc.property(cells, cells, (first, second) => {
      const pairs = [
        { from: one, to: other, cells: first },
        { from: other, to: one, cells: second },
      ]
      const bytes = shiftsCodec.encode(pairs)
      assert.deepEqual(shiftsCodec.encode(pairs.toReversed()), bytes)
      const read = shiftsCodec.decode(bytes)
      assert.deepEqual(new Set(read), new Set(pairs))
      assert.deepEqual(shiftsCodec.encode(read), bytes)
    }),
  )
})

test('shifts: are looked up by the offset in the new NAR', () => {
  const cells = [undefined, -3]
  assert.equal(shiftAt({ cells }, 0), undefined)
  assert.equal(shiftAt({ cells }, shiftCellBytes), -3072)
  assert.equal(shiftAt({ cells }, 2 * shiftCellBytes - 1), -3072)
  assert.equal(shiftAt({ cells }, 2 * shiftCellBytes), undefined)
})

test('shifts: what breaks a rule is refused', () => {
  const pair = (cells: readonly number[], from = one, to = other) => ({ from, to, cells: packVarints(cells) })
  const refused: [string, unknown][] = [
    ['no pairs', []],
    ['a pair twice', [pair([3]), pair([3])]],
    ['a pair without cells', [{ ...pair([]) }]],
    ['no shift at the end', [pair([3, 0])]],
    ['a shift beyond the largest NAR', [pair([2 * most + 3])]],
    ['shifts that add up to more', [pair([2 * most + 1, 5])]],
    ['more cells than the largest NAR has', [pair(new Array(shiftLimits.cells + 1).fill(1))]],
    ['half a hash', [pair([3], one.subarray(16))]],
    ['half a number', [{ from: one, to: other, cells: Uint8Array.of(0x80) }]],
    ['an unknown key', [{ ...pair([3]), more: 1 }]],
    ['too many pairs', Array.from({ length: shiftLimits.pairs + 1 }, (_, i) => pair([3], sha256(Uint8Array.of(i))))],
  ]
  for (const [what, pairs] of refused) {
    assert.throws(() => shiftsCodec.decode(encode({ v: 1, pairs })), withCode('malformed'), what)
  }
  assert.throws(() => shiftsCodec.decode(encode({ v: 2, pairs: [pair([3])] })), withCode('malformed'))
  assert.throws(() => shiftsCodec.decode(new Uint8Array(shiftLimits.document + 1)), withCode('too-large'))
})
