/** Tests of replacing what has to be there. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { replaceOnce } from './replace.ts'

describe('replaceOnce', () => {
  it('replaces a text or a pattern, and takes the new text as it is', () => {
    assert.equal(replaceOnce('a.b (c)', 'b (c)', '$&'), 'a.$&')
    assert.equal(replaceOnce('one = 1\ntwo = 2', /^two = \d$/m, 'three'), 'one = 1\nthree')
  })

  it('refuses what is not there, or is there more than once', () => {
    assert.throws(() => replaceOnce('axb', 'a.b', 'c'), /expected a\.b once .* got it 0 times in:\naxb$/s)
    assert.throws(() => replaceOnce('aa', 'a', 'b'), /got it 2 times/)
    assert.throws(() => replaceOnce('aa', /a/, 'b'), /got it 2 times/)
  })
})
