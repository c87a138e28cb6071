/** Tests of text from others: it can't steer a terminal or pass for another text. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { visible, visibleLines } from './visible.ts'

describe('visible', () => {
  it('shows controls, overrides and invisible characters as escapes', () => {
    assert.equal(visible('a\x1b[2Jb'), 'a\\x1b[2Jb')
    assert.equal(visible('\x1b]52;c;cm0=\x07'), '\\x1b]52;c;cm0=\\x07')
    assert.equal(visible('\x9b31m'), '\\x9b31m')
    assert.equal(visible('\u202etxt.exe'), '\\u202etxt.exe')
    assert.equal(visible('a\u200bb\ufeff'), 'a\\u200bb\\ufeff')
    assert.equal(visible('one\ntwo\r\nthree'), 'one\\ntwo\\x0d\\nthree')
    assert.equal(visible('a\u2028b'), 'a\\u2028b')
    assert.equal(visible('\u{e0041}'), '\\u{e0041}')
    assert.equal(visible('\ud800'), '\\ud800')
  })

  it('leaves what people write as it is', () => {
    assert.equal(visible('Grüße, 東京 — naïve ✓ 🚢'), 'Grüße, 東京 — naïve ✓ 🚢')
  })

  it('bounds one field, and says what it left out', () => {
    assert.equal(visible('x'.repeat(10_000)), `${'x'.repeat(2000)}… (8000 more characters)`)
  })

  it('keeps the lines and tabs of a log, and nothing else that moves the cursor', () => {
    assert.equal(visibleLines('a\tb\nc\x1b[1A\r'), 'a\tb\nc\\x1b[1A\\x0d')
  })

  it('gives one line of printable characters, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
        assert.doesNotMatch(visible(text), /[\p{C}\p{Zl}\p{Zp}]/u)
        assert.doesNotMatch(visibleLines(text).replaceAll(/[\n\t]/g, ''), /[\p{C}\p{Zl}\p{Zp}]/u)
      }),
    )
  })
})
