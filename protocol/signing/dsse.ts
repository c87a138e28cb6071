/** Signed envelopes: DSSE (https://github.com/secure-systems-lab/dsse) with DAG-CBOR instead of JSON around it. */

import { z } from 'zod'
import { codec, FormatError, type StoredCodec } from '../encoding/cbor.ts'
import { bytesSchema, keyIdSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { type PublicKey, type Signer, signatureLength, verifySignature } from './keys.ts'

const envelopeSchema = z.strictObject({
  payloadType: z.string().max(100),
  payload: bytesSchema(1, limits.envelope),
  signatures: z
    .array(z.strictObject({ keyid: keyIdSchema, sig: bytesSchema(signatureLength) }))
    .min(1)
    .max(limits.signatures),
})
type WireEnvelope = z.infer<typeof envelopeSchema>

const envelopeCodec = codec('signed envelope', limits.envelope, envelopeSchema)

/**
 * A kind of signed document: its codec, and the payload type, which keeps a signature from being used for another
 * kind.
 */
export interface SignedKind<T> {
  readonly codec: StoredCodec<T>
  readonly payloadType: string
}

export function signedKind<T>(name: string, schema: z.ZodType<T>, version = 1): SignedKind<T> {
  return {
    codec: codec(version === 1 ? name : `${name} of version ${version}`, limits.envelope, schema),
    payloadType: `application/vnd.thymesh.${name.replaceAll(' ', '-')}.v${version}+dag-cbor`,
  }
}

/** Signs a document with each signer and returns the envelope's bytes. */
export function signEnvelope<T>(kind: SignedKind<T>, document: T, ...signers: Signer[]): Uint8Array {
  const payload = kind.codec.encode(document)
  const message = preAuthenticationEncoding(kind.payloadType, payload)
  const signatures = signers.map(signer => ({ keyid: signer.keyId, sig: signer.sign(message) }))
  return envelopeCodec.encode({ payloadType: kind.payloadType, payload, signatures })
}

/** A document from an envelope. It isn't trusted until `signedBy` has been checked. */
export interface Envelope<T> {
  readonly document: T
  /** The number of signatures, valid or not. */
  readonly signatures: number
  /** Whether this key has signed it. */
  signedBy(publicKey: PublicKey): boolean
}

/** Where bytes come from: another peer, or this peer's own state, which keeps only what it has read as received before. */
export type Origin = 'received' | 'stored'

/** Decodes an envelope. Throws a FormatError for another kind or shape. Verifies no signature. */
export function readEnvelope<T>(kind: SignedKind<T>, bytes: Uint8Array, origin: Origin = 'received'): Envelope<T> {
  return readContent(kind, openEnvelope(bytes, origin), origin)
}

/** An envelope whose payload isn't decoded yet: it may be of any kind. Throws a FormatError if it is no envelope. */
export function openEnvelope(bytes: Uint8Array, origin: Origin = 'received'): WireEnvelope {
  return origin === 'stored' ? envelopeCodec.decodeStored(bytes) : envelopeCodec.decode(bytes)
}

/** Decodes the payload of an envelope. Throws a FormatError for another kind or shape. Verifies no signature. */
export function readContent<T>(
  { codec, payloadType }: SignedKind<T>,
  envelope: WireEnvelope,
  origin: Origin = 'received',
): Envelope<T> {
  if (envelope.payloadType !== payloadType) {
    throw new FormatError('malformed', `expected a ${codec.name}, got an envelope of ${envelope.payloadType}`)
  }
  const { payload, signatures } = envelope
  return {
    document: origin === 'stored' ? codec.decodeStored(payload) : codec.decode(payload),
    signatures: signatures.length,
    signedBy: publicKey => {
      const message = preAuthenticationEncoding(payloadType, payload)
      return signatures.some(({ sig }) => verifySignature(publicKey, message, sig))
    },
  }
}

/** DSSE's pre-authentication encoding: the signed bytes, from which type and payload can be parsed in only one way. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType)
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload])
}
