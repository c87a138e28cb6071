/** nix32 against what Nix itself prints, and against itself. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeNix32, encodeNix32, nix32Length } from './base32.ts'
import { NixFormatError } from './format-error.ts'

test('writes what nix-hash --to-base32 writes', () => {
  const empty = createHash('sha256').update('').digest()
  assert.equal(encodeNix32(empty), '0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73')
  assert.equal(encodeNix32(new Uint8Array()), '')
})

test('reads back what it wrote, for every length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), bytes => {
      const text = encodeNix32(bytes)
      assert.equal(text.length, nix32Length(bytes.length))
      assert.deepEqual(decodeNix32(text), bytes)
    }),
  )
})

test('a text has one reading or none', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdfghijklmnpqrsvwxyz'), maxLength: 60 }), text => {
      try {
        assert.equal(encodeNix32(decodeNix32(text)), text)
      } catch (thrown) {
        assert.ok(thrown instanceof NixFormatError)
      }
    }),
  )
})

test('refuses foreign characters and left-over bits', () => {
  for (const text of ['0mdqa9w1e', 'É0000000', '1', 'z'.repeat(52), ' 0000000']) {
    assert.throws(() => decodeNix32(text), { code: 'nix32-invalid' }, text)
  }
})
