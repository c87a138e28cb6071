/** What others wrote can't steer a terminal or pass for another text. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { jsonEscaped, visible, visibleFields, visibleJson, visibleLines } from './visible.ts'

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

  it('keeps the lines and tabs of an answer, and nothing else that moves the cursor', () => {
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

describe('visibleFields', () => {
  it('makes every text in some data visible, and lets no field begin a line', () => {
    const bytes = Uint8Array.of(0x1b)
    assert.deepEqual(visibleFields({ a: ['x\x1b[2J', { 'b\x9b': 'one\nALARM\n' }], n: 1, none: null, bytes }), {
      a: ['x\\x1b[2J', { 'b\\x9b': 'one\n    ALARM' }],
      n: 1,
      none: null,
      bytes,
    })
  })

  it('bounds each line of a field', () => {
    assert.equal(visibleFields(`a\n${'x'.repeat(3000)}`), `a\n    ${'x'.repeat(2000)}… (1000 more characters)`)
  })
})

describe('visibleJson', () => {
  it('is JSON of the same value, in one line of printable characters', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), value => {
        const json = visibleJson(value)
        assert.doesNotMatch(json, /[\p{C}\p{Zl}\p{Zp}]/u)
        assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(value)))
      }),
    )
    assert.equal(visibleJson({ a: '\x9b2J\u202e\u{e0041}\x7f' }), '{"a":"\\u009b2J\\u202e\\udb40\\udc41\\u007f"}')
  })

  it('leaves the line break of a line of a log', () => {
    assert.equal(jsonEscaped('{"a":"\x9b"}\n'), '{"a":"\\u009b"}\n')
  })
})
