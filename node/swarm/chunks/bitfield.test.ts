/** Bitfields against sets, and bytes that are none. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Bitfield } from './bitfield.ts'

const size = fc.integer({ min: 1, max: 100 })

describe('a bitfield', () => {
  it('behaves as a set of numbers', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 200 })
    fc.assert(
      fc.property(size, steps, (size, steps) => {
        const field = new Bitfield(size)
        const set = new Set<number>()
        for (const [adds, any] of steps) {
          const number = any % size
          if (adds) assert.equal(field.add(number), !set.has(number))
          else field.remove(number)
          if (adds) set.add(number)
          else set.delete(number)
        }
        assert.equal(field.count, set.size)
        assert.equal(field.isFull, set.size === size)
        for (let number = 0; number < size; number++) assert.equal(field.has(number), set.has(number))
        const copy = new Bitfield(size, field.bytes)
        assert.deepEqual([copy.count, [...copy.bytes]], [field.count, [...field.bytes]])
      }),
    )
  })

  it('has the highest bit first', () => {
    const field = new Bitfield(10)
    field.add(0)
    field.add(9)
    assert.deepEqual([...field.bytes], [0x80, 0x40])
    assert.deepEqual([...Bitfield.full(10).bytes], [0xff, 0xc0])
    assert.equal(Bitfield.full(10).isFull, true)
  })

  it('is a copy of the bytes it is made of', () => {
    const bytes = Uint8Array.of(0x80)
    const field = new Bitfield(8, bytes)
    bytes[0] = 0
    assert.equal(field.has(0), true)
  })

  it('refuses another length, bits beyond its size, and numbers beyond it', () => {
    assert.throws(() => new Bitfield(9, Uint8Array.of(0)), RangeError)
    assert.throws(() => new Bitfield(9, Uint8Array.of(0, 0x40)), RangeError)
    assert.throws(() => new Bitfield(8).add(8), RangeError)
    assert.throws(() => new Bitfield(8).add(-1), RangeError)
    assert.equal(new Bitfield(8).has(8), false)
  })
})
