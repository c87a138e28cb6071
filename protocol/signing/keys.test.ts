/** Tests of signing and verifying, and of key IDs. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Key } from '@tufjs/models'
import fc from 'fast-check'
import { fromHex, toHex } from '../encoding/hash.ts'
import { keyIdOf, newSeed, signerOf, tufKeyJson, verifySignature } from './keys.ts'

/** RFC 8032 §7.1, test 3. */
const vector = {
  seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
  publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  message: 'af82',
  signature:
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
}

describe('keys', () => {
  it('signs as RFC 8032 has it', () => {
    const signer = signerOf(fromHex(vector.seed))
    assert.equal(toHex(signer.publicKey), vector.publicKey)
    assert.equal(toHex(signer.sign(fromHex(vector.message))), vector.signature)
    assert.equal(verifySignature(signer.publicKey, fromHex(vector.message), fromHex(vector.signature)), true)
  })

  it('refuses another message, another key, and each flipped bit of a signature', () => {
    const [signer, other] = [signerOf(new Uint8Array(32).fill(1)), signerOf(new Uint8Array(32).fill(2))]
    const message = Uint8Array.of(1, 2, 3)
    const signature = signer.sign(message)
    assert.equal(verifySignature(signer.publicKey, Uint8Array.of(1, 2), signature), false)
    assert.equal(verifySignature(other.publicKey, message, signature), false)
    for (let bit = 0; bit < 512; bit++) {
      const flipped = signature.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(verifySignature(signer.publicKey, message, flipped), false)
    }
  })

  it('says false and throws nothing for any bytes', () => {
    const sized = (length: number) => fc.oneof(fc.uint8Array({ minLength: length, maxLength: length }), fc.uint8Array())
    fc.assert(
      fc.property(sized(32), fc.uint8Array(), sized(64), (publicKey, message, signature) => {
        assert.equal(verifySignature(publicKey, message, signature), false)
      }),
    )
  })

  it('makes seeds of 32 bytes, and refuses others', () => {
    assert.equal(newSeed().length, 32)
    assert.notDeepEqual(newSeed(), newSeed())
    assert.throws(() => signerOf(new Uint8Array(31)), RangeError)
  })

  it('gives key IDs that hang on the public key alone, and keys that the TUF models read', () => {
    const signer = signerOf(fromHex(vector.seed))
    assert.equal(signer.keyId, keyIdOf(Buffer.from(signer.publicKey)))
    // SHA-256 of {"keytype":"ed25519","keyval":{"public":"fc51…"},"scheme":"ed25519"}.
    assert.equal(signer.keyId, 'e45b8d1fab21a7a7550adbca559eade41e36a398f14a577f8766ec32bf237101')
    assert.equal(Key.fromJSON(signer.keyId, tufKeyJson(signer.publicKey)).keyVal.public, vector.publicKey)
  })
})
