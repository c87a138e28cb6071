/** Tests of lines without an echo: what is typed, erased and pasted comes out as it was meant. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HiddenLine } from './hidden-line.ts'

function typed(...pieces: (string | Buffer)[]) {
  const line = new HiddenLine()
  const ends = pieces.map(piece => line.take(Buffer.from(piece)))
  return { line, end: ends.at(-1) }
}

test('a hidden line: characters whole, though their bytes come in pieces', () => {
  const bytes = Buffer.from('größe 🔑\r')
  const { line, end } = typed(...[...bytes].map(byte => Buffer.of(byte)))
  assert.equal(end, 'line')
  assert.equal(line.text, 'größe 🔑')
})

test('a hidden line: erased by character and whole', () => {
  assert.equal(typed('ab🔑\u007f\bc\n').line.text, 'ac')
  assert.equal(typed('wrong\u0015right\r').line.text, 'right')
  assert.equal(typed('\u007fa\n').line.text, 'a')
})

test('a hidden line: keys that are no text, and the marks around what is pasted, are left out', () => {
  assert.equal(typed('a\x1b[Db\x1b[1;5C\x1bOPc\x1b[200~d\x1b[201~\r').line.text, 'abcd')
  assert.equal(typed('a\x1b', '[', 'A', 'b\r').line.text, 'ab')
})

test('a hidden line: what comes after it is for the next prompt', () => {
  const { line, end } = typed('first\r\nsecond\r\n')
  assert.equal(end, 'line')
  assert.equal(line.text, 'first')
  assert.equal(line.rest.toString(), 'second\r\n')
})

test('a hidden line: left by Ctrl-C, ended by Ctrl-D', () => {
  assert.equal(typed('abc\u0003').end, 'left')
  assert.equal(typed('abc\u0004').line.text, 'abc')
  assert.equal(typed('abc').end, undefined)
})
