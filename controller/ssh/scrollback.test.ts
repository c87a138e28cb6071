/** The last output of a terminal: read from any place that is still kept, however it came. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Scrollback } from './scrollback.ts'

const all = Buffer.from(Array.from({ length: 50_000 }, (_, at) => at % 251))

describe('the scrollback', () => {
  for (const piece of [1, 7, 4096, 9000]) {
    it(`gives what came in pieces of ${piece} bytes, from each place, and forgets the oldest`, () => {
      const kept = new Scrollback(20_000)
      for (let at = 0; at < all.length; at += piece) kept.append(all.subarray(at, at + piece))
      assert.deepEqual([kept.begin, kept.end], [30_000, 50_000])
      for (const from of [0, 30_000, 30_001, 41_234, 49_999, 50_000, 60_000]) {
        const begin = Math.min(Math.max(from, 30_000), 50_000)
        assert.deepEqual(kept.read(from, 5000), { from: begin, bytes: all.subarray(begin, begin + 5000) })
      }
    })
  }
})
