/** Tests of varints: there and back, and one encoding only. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { packVarints, unpackVarints } from './varint.ts'

test('varints: numbers come back', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat()), numbers => {
      assert.deepEqual(unpackVarints(packVarints(numbers)), numbers)
    }),
  )
})

test('varints: known bytes', () => {
  assert.deepEqual(packVarints([0, 127, 128, 300, 16384]), Uint8Array.of(0, 127, 0x80, 1, 0xac, 2, 0x80, 0x80, 1))
  assert.equal(packVarints([Number.MAX_SAFE_INTEGER]).length, 8)
})

test('varints: any bytes have one meaning or none', () => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      let numbers: number[]
      try {
        numbers = unpackVarints(bytes)
      } catch (thrown) {
        assert.ok(thrown instanceof RangeError)
        return
      }
      assert.deepEqual(packVarints(numbers), bytes)
    }),
  )
})

test('varints: refuses truncated, overlong and too large ones', () => {
  assert.throws(() => unpackVarints(Uint8Array.of(0x80)), /truncated/)
  assert.throws(() => unpackVarints(Uint8Array.of(0x80, 0)), /as few bytes/)
  assert.throws(() => unpackVarints(new Uint8Array(9).fill(0xff)), /at most 8 bytes/)
  assert.throws(() => unpackVarints(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)), /53 bits/)
})
