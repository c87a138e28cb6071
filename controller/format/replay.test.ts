/** How a recording is played: pauses are cut, and what does more to a terminal than show is left out, however it was cut. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { replayOf } from './replay.ts'

describe('what is played of a recording', () => {
  it('comes as it came, after two seconds at most', () => {
    assert.deepEqual(
      replayOf([
        [0.5, 'a'],
        [1.5, 'b'],
        [3601.5, 'c'],
        [10, 'back'],
        [3602, 'd'],
      ]).map(({ at, text }) => [at, text]),
      [
        [0.5, 'a'],
        [1.5, 'b'],
        [3.5, 'c'],
        [3.5, 'back'],
        [4, 'd'],
      ],
    )
  })

  it('has text, colours and moves only, also where an escape is in two parts', () => {
    const events: [number, string][] = [
      [0, '\x1b]0;a ti'],
      [1, 'tle\x07\x1b[3'],
      [2, '1mred\x1b[6n'],
    ]
    assert.deepEqual(replayOf(events), [{ at: 2, text: '\x1b[31mred' }])
  })
})
