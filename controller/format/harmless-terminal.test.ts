/** What of another terminal's output may reach this one: text, colours and moves, however it is cut. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HarmlessTerminal } from './harmless-terminal.ts'

const shown = (...parts: string[]) => {
  const terminal = new HarmlessTerminal()
  return parts.map(part => terminal.add(part)).join('')
}

describe("another terminal's output", () => {
  it('keeps text, colours and moves', () => {
    for (const text of [
      'größe\r\n\ttab\b',
      '\x1b[1;31mred\x1b[0m',
      '\x1b[2J\x1b[H\x1b[10;20Hthere',
      '\x1b[?1049h\x1b[?25l',
      '\x1b7\x1b8\x1b(B',
    ]) {
      assert.equal(shown(text), text)
    }
  })

  it('leaves out what does more', () => {
    for (const text of [
      '\x1b]0;a title\x07',
      '\x1b]52;c;ZXZpbA==\x1b\\',
      '\x1bP+q544e\x1b\\',
      '\x1b[6n',
      '\x1b[c',
      '\x1b[21t',
      '\x1b[?1000h',
      '\x1b[?2004h',
      '\x1b[!p',
      '\x1bc',
      '\x07\x05\x9b6n'.slice(0, 3),
    ]) {
      assert.equal(shown(`a${text}b`), 'ab', JSON.stringify(text))
    }
  })

  it('is the same however it is cut', () => {
    const pieces = fc.constantFrom('text', '\x1b[1m', '\x1b]0;t\x07', '\x1b]52;c;x\x1b\\', '\x1b[6n', 'ü', '\r\n')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), fc.nat(60), (all, cut) => {
        const text = all.join('')
        assert.equal(shown(text.slice(0, cut), text.slice(cut)), shown(text))
      }),
    )
  })

  it('shows what a terminal shows after a string that is broken off, and is linear', () => {
    assert.equal(shown('\x1b]0;\x18seen\r\n'), 'seen\r\n')
    assert.equal(shown('\x1b]0;\x1b[31mred'), '\x1b[31mred')
    assert.equal(shown('\x1b]\x07'.repeat(500_000)), '')
  })

  it('drops a sequence without an end', () => {
    assert.equal(shown('a', `\x1b]0;${'x'.repeat(5000)}`, 'b').length, 2)
  })
})
