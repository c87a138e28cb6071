/** Tests of peer IDs, against libp2p's own. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { testSeed } from '../../test/helpers/fleet.ts'
import { signerOf } from './keys.ts'
import { peerIdOf, peerIdSchema, publicKeyOf } from './peer-id.ts'

describe('peer IDs', () => {
  it('are those of libp2p', async () => {
    for (const word of ['one', 'two', 'three']) {
      const theirs = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', testSeed(word)))
      const { publicKey } = signerOf(testSeed(word))
      assert.equal(peerIdOf(publicKey), theirs.toString())
      assert.deepEqual(publicKeyOf(theirs.toString()), publicKey)
    }
  })

  it('hold any public key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), publicKey => {
        assert.deepEqual(publicKeyOf(peerIdOf(publicKey)), publicKey)
      }),
    )
  })

  it('have one spelling: what is revoked cannot come back under another', () => {
    const peerId = peerIdOf(signerOf(testSeed('one')).publicKey)
    const places = fc.nat({ max: peerId.length })
    fc.assert(
      fc.property(places, fc.string({ maxLength: 3 }), fc.nat({ max: 3 }), (place, text, removed) => {
        const other = peerId.slice(0, place) + text + peerId.slice(place + removed)
        if (peerIdSchema.safeParse(other).success) assert.equal(peerIdOf(publicKeyOf(other)), other)
      }),
    )
  })

  it('refuse other kinds of peers, other encodings and nonsense', () => {
    const refused = [
      '',
      '1',
      ' ',
      '0OIl',
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      '16Uiu2HAm8uzSWCVJTk7mpbyZTzTp5bTfSfQj6Hyz9pRDFzAzM4v6',
      'bafzaajaiaejcbw6b4tqwftzw7q5ixxqmpn7rxxqmpn7rxxqmpn7rxxqmpn7rxxqm',
      `${peerIdOf(new Uint8Array(32))}1`,
      ` ${peerIdOf(new Uint8Array(32))}`,
      `${peerIdOf(new Uint8Array(32))} `,
    ]
    for (const text of refused) {
      assert.throws(() => publicKeyOf(text), RangeError)
      assert.equal(peerIdSchema.safeParse(text).success, false)
    }
  })

  it('refuse a long text unread: base 58 would take minutes for a megabyte', () => {
    const long = '2'.repeat(1_000_000)
    assert.throws(
      () => publicKeyOf(long),
      (thrown: Error) => thrown instanceof RangeError && thrown.message.length < 200,
    )
    assert.equal(peerIdSchema.safeParse(long).success, false)
  })
})
