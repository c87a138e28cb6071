/** nix32 against what Nix itself prints, and against itself. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeNix32 } from '../../test/helpers/nix32.ts'
import { encodeNix32, nix32Length } from './base32.ts'

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
