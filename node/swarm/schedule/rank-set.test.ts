/** Tests of the ordered set: it agrees with a plain one. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RankSet } from './rank-set.ts'

test('finds the same next number as a search through a plain set', () => {
  const size = 40_000
  const numbers = fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: size - 1 }))
  fc.assert(
    fc.property(fc.array(fc.tuple(numbers, fc.boolean())), fc.array(numbers), (changes, questions) => {
      const set = new RankSet(size)
      const plain = new Set<number>()
      for (const [number, there] of changes) {
        assert.equal(set.toggle(number, there), plain.has(number) !== there)
        if (there) plain.add(number)
        else plain.delete(number)
      }
      assert.equal(set.count, plain.size)
      for (const from of [...questions, 0, size]) {
        const expected = Math.min(...[...plain].filter(number => number >= from))
        assert.equal(set.next(from), Number.isFinite(expected) ? expected : -1)
      }
    }),
  )
})

test('a set of nothing and a set of one number work', () => {
  assert.equal(new RankSet(0).next(0), -1)
  const one = new RankSet(1)
  one.toggle(0, true)
  assert.equal(one.next(0), 0)
  assert.equal(one.next(1), -1)
})
