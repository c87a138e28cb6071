/** Frames of output: the JSON that is written by hand is the JSON that it should be. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sliceCharacters } from '../tasks/limits.ts'
import { outputFrame, partFrame } from './output-frame.ts'

describe('a frame of output', () => {
  for (const [name, text] of [
    ['of plain lines', 'one\ntwo "three" \\four\\n\n'],
    ['of other characters', 'für 3 € 😀\u2028\n'],
    ['longer than what is escaped at once', `${'a "line" \\ of it\n'.repeat(sliceCharacters / 4)}`],
    ['without text', ''],
  ] as const) {
    it(`${name} is one event in JSON`, () => {
      const frame = Buffer.from(outputFrame(7, Buffer.from(text))).toString()
      const [event, data, ...rest] = frame.split('\n')
      assert.deepEqual([event, ...rest], ['event: output', '', ''])
      assert.deepEqual(JSON.parse(data?.replace('data: ', '') ?? ''), { from: 7, text })
    })
  }

  it('is made once for all who follow', () => {
    const part = { id: 'one', from: 0, bytes: Buffer.from('a\n') }
    assert.equal(partFrame(part), partFrame(part))
  })
})
