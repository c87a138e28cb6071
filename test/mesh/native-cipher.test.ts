/** The cipher of the bundle does what noise's own does. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { asCrypto, pureJsCrypto as noisesOwn } from '@chainsafe/libp2p-noise/crypto'
import fc from 'fast-check'
import { ChaCha20Poly1305, digest, pureJsCrypto } from '../../scripts/src/native-cipher.ts'

const cipher = new ChaCha20Poly1305()
const [key, nonce] = [randomBytes(32), randomBytes(12)]
const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const same = (a: Uint8Array | null, b: Uint8Array) => a !== null && Buffer.from(a).equals(b)

describe("the bundle's cipher", () => {
  it('seals and opens as the WebAssembly does', () => {
    fc.assert(
      fc.property(bytes(1200), bytes(32), (plaintext, associated) => {
        const sealed = cipher.seal(key, nonce, plaintext, associated)
        assert.ok(same(sealed, asCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, associated, key).subarray()))
        assert.ok(same(cipher.open(key, nonce, sealed, associated), plaintext))
        const into = new Uint8Array(plaintext.length)
        assert.equal(cipher.open(key, nonce, sealed, associated, into), into)
        assert.ok(same(into, plaintext))
        assert.ok(same(digest(plaintext), asCrypto.hashSHA256(plaintext)))
      }),
    )
  })

  it('derives the same keys', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), bytes(64), (chainingKey, material) => {
        const [ours, theirs] = [pureJsCrypto, noisesOwn].map(each =>
          each.getHKDF(chainingKey, material).map(Buffer.from),
        )
        assert.deepEqual(ours, theirs)
      }),
    )
  })

  it('opens nothing that was changed or cut', () => {
    fc.assert(
      fc.property(bytes(100), fc.nat(), fc.integer({ min: 1, max: 255 }), (plaintext, at, by) => {
        const sealed = Uint8Array.from(cipher.seal(key, nonce, plaintext))
        const place = at % sealed.length
        sealed[place] = (sealed[place] ?? 0) ^ by
        assert.equal(cipher.open(key, nonce, sealed), null)
        assert.equal(cipher.open(key, nonce, sealed.subarray(0, place)), null)
      }),
    )
  })
})
