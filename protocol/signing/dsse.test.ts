/** Tests of signed envelopes. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode, encode } from '@ipld/dag-cbor'
import { z } from 'zod'
import { withCode } from '../../test/helpers/errors.ts'
import { testSigner } from '../../test/helpers/fleet.ts'
import { FormatError } from '../encoding/cbor.ts'
import { limits } from '../limits.ts'
import { readEnvelope, signEnvelope, signedKind } from './dsse.ts'
import { verifySignature } from './keys.ts'

const schema = z.strictObject({ text: z.string() })
const kind = signedKind('test note', schema)
const [one, two, stranger] = [testSigner('one'), testSigner('two'), testSigner('stranger')]

interface RawEnvelope {
  payloadType: string
  payload: Uint8Array
  signatures: { keyid: string; sig: Uint8Array }[]
}
const raw = (bytes: Uint8Array) => decode<RawEnvelope>(bytes)

describe('signed envelopes', () => {
  it('give back the document and say who signed it', () => {
    const opened = readEnvelope(kind, signEnvelope(kind, { text: 'hi' }, one, two))
    assert.deepEqual(opened.document, { text: 'hi' })
    assert.equal(opened.signedBy(one.publicKey), true)
    assert.equal(opened.signedBy(two.publicKey), true)
    assert.equal(opened.signedBy(stranger.publicKey), false)
    assert.equal(opened.signedBy(new Uint8Array(31)), false)
  })

  it('are signed over the pre-authentication encoding of DSSE', () => {
    const envelope = raw(signEnvelope(kind, { text: 'hi' }, one))
    const type = 'application/vnd.thymesh.test-note.v1+dag-cbor'
    const message = Buffer.concat([
      Buffer.from(`DSSEv1 ${type.length} ${type} ${envelope.payload.length} `),
      envelope.payload,
    ])
    assert.equal(envelope.payloadType, type)
    assert.equal(verifySignature(one.publicKey, message, envelope.signatures[0]?.sig ?? new Uint8Array()), true)
  })

  it('are refused with another payload, or with the signature of another document', () => {
    const [a, b] = [raw(signEnvelope(kind, { text: 'a' }, one)), raw(signEnvelope(kind, { text: 'b' }, one))]
    assert.equal(readEnvelope(kind, encode({ ...a, payload: b.payload })).signedBy(one.publicKey), false)
    assert.equal(readEnvelope(kind, encode({ ...a, signatures: b.signatures })).signedBy(one.publicKey), false)
  })

  it('are not taken for another kind, nor is their signature', () => {
    const other = signedKind('other note', schema)
    const bytes = signEnvelope(kind, { text: 'hi' }, one)
    assert.throws(() => readEnvelope(other, bytes), withCode('malformed'))
    const relabelled = encode({ ...raw(bytes), payloadType: other.payloadType })
    assert.equal(readEnvelope(other, relabelled).signedBy(one.publicKey), false)
  })

  it('are signed by keys, not by key IDs', () => {
    const envelope = raw(signEnvelope(kind, { text: 'hi' }, stranger))
    const claimed = encode({
      ...envelope,
      signatures: envelope.signatures.map(({ sig }) => ({ keyid: one.keyId, sig })),
    })
    assert.equal(readEnvelope(kind, claimed).signedBy(one.publicKey), false)
  })

  it('stay signed beside signatures of strangers, and twice the same', () => {
    const opened = readEnvelope(kind, signEnvelope(kind, { text: 'hi' }, stranger, one, one))
    assert.equal(opened.signedBy(one.publicKey), true)
    assert.equal(opened.signedBy(two.publicKey), false)
  })

  it('have at least one signature, and no more than the limit', () => {
    assert.throws(() => signEnvelope(kind, { text: 'hi' }), FormatError)
    const many = Array.from({ length: limits.signatures + 1 }, () => one)
    assert.throws(() => signEnvelope(kind, { text: 'hi' }, ...many), FormatError)
    const envelope = raw(signEnvelope(kind, { text: 'hi' }, one))
    assert.throws(() => readEnvelope(kind, encode({ ...envelope, signatures: [] })), FormatError)
  })

  it('refuse shapes that are not theirs', () => {
    const envelope = raw(signEnvelope(kind, { text: 'hi' }, one))
    const [signature] = envelope.signatures
    const shapes: unknown[] = [
      { ...envelope, extra: 1 },
      { ...envelope, payload: 'text' },
      { ...envelope, payload: new Uint8Array() },
      { ...envelope, payload: Uint8Array.of(0xff) },
      { ...envelope, payload: encode({ text: 1 }) },
      { ...envelope, payload: encode({ text: 'hi', more: 1 }) },
      { ...envelope, signatures: [{ ...signature, sig: new Uint8Array(63) }] },
      { ...envelope, signatures: [{ ...signature, keyid: 'a' }] },
      { ...envelope, signatures: [null] },
      [],
      null,
    ]
    for (const shape of shapes) assert.throws(() => readEnvelope(kind, encode(shape)), FormatError)
  })

  it('are bounded, written and read', () => {
    assert.throws(() => signEnvelope(kind, { text: 'a'.repeat(limits.envelope) }, one), withCode('too-large'))
    assert.throws(() => readEnvelope(kind, new Uint8Array(limits.envelope + 1)), withCode('too-large'))
  })
})
