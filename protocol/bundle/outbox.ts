/** Outboxes: what a device sends home on a stick. Its key signs them; age encrypts them to the controllers. */

import { z } from 'zod'
import { codec, FormatError } from '../encoding/cbor.ts'
import { bytesSchema, fleetIdSchema, formatVersion, timeSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { historySchema } from '../messages/logs.ts'
import { carriedSnapshotSchema } from '../messages/snapshots.ts'
import { preAuthenticationEncoding } from '../signing/dsse.ts'
import { type Signer, signatureLength, verifySignature } from '../signing/keys.ts'
import { peerIdSchema, publicKeyOf } from '../signing/peer-id.ts'

const envelopes = z.array(bytesSchema(1, limits.envelope)).max(limits.members)

const fields = {
  fleet: fleetIdSchema,
  /** The device that wrote it. */
  peer: peerIdSchema,
  /** By its own clock. */
  created: timeSchema.optional(),
  /** Of all members that it knows; each is signed by others. */
  certificates: envelopes,
  /** The newest of each device, signed by that device. */
  reports: envelopes,
  /** How releases went on the device itself. */
  history: historySchema,
  /** Logs of its own failed activations, newest first. */
  logs: z.array(bytesSchema(0, limits.activationLog)).max(limits.outboxLogs),
}
/** As `metrics/1` answers, compressed with zstd. */
const metrics = z.array(bytesSchema(1, limits.metricsBytes)).max(3)
const outboxSchema = z.union([
  z.strictObject({ v: formatVersion, ...fields }),
  /** Version 2 has histories of its metrics too. */
  z.strictObject({ v: z.literal(2), ...fields, metrics }),
  /** Version 3 has the newest snapshot of each of its screens too. */
  z.strictObject({
    v: z.literal(3),
    ...fields,
    metrics,
    snapshots: z.array(carriedSnapshotSchema).max(limits.snapshotScreens),
  }),
])
export type Outbox = z.infer<typeof outboxSchema>

const outboxCodec = codec<Outbox>('outbox', limits.outbox, outboxSchema)
const signedCodec = codec(
  'signed outbox',
  limits.outbox + limits.envelope,
  z.strictObject({ payload: bytesSchema(1, limits.outbox), signature: bytesSchema(signatureLength) }),
)
const payloadType = ({ v }: Pick<Outbox, 'v'>) => `application/vnd.thymesh.outbox.v${v}+dag-cbor`

/** The bytes of an outbox, signed by its device. */
export function encodeOutbox(outbox: Outbox, signer: Signer): Uint8Array {
  const payload = outboxCodec.encode(outbox)
  return signedCodec.encode({
    payload,
    signature: signer.sign(preAuthenticationEncoding(payloadType(outbox), payload)),
  })
}

/** Throws a FormatError unless the device that it names has signed it. Whether that is a member, the caller checks. */
export function decodeOutbox(bytes: Uint8Array): Outbox {
  const { payload, signature } = signedCodec.decode(bytes)
  const outbox = outboxCodec.decode(payload)
  const message = preAuthenticationEncoding(payloadType(outbox), payload)
  if (verifySignature(publicKeyOf(outbox.peer), message, signature)) return outbox
  throw new FormatError('malformed', `expected an outbox that ${outbox.peer} has signed, got one without its signature`)
}
