/** Requests for the recorded sessions of a device: which there are, and a part of one, sealed as it lies there. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema, formatVersion, timeSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

/** 12 digits in hex: that of the session in logs. */
export const recordingIdSchema = z
  .string()
  .regex(/^[0-9a-f]{12}$/, { error: 'expected the ID of a recording, 12 digits' })
const sizeSchema = z.int().min(0).max(limits.recording)

const recordingsRequestSchema = z.union([
  /** All, or those that are older than one: as many as an answer lists. */
  z.strictObject({ list: z.literal(true), before: recordingIdSchema.optional() }),
  /** The bytes from this one on; as many come as fit into an answer. */
  z.strictObject({ read: z.strictObject({ id: recordingIdSchema, from: sizeSchema }) }),
])
export type RecordingsRequest = z.infer<typeof recordingsRequestSchema>
export const recordingsRequestCodec = codec<RecordingsRequest>(
  'recordings request',
  limits.request,
  recordingsRequestSchema,
)

/** What a device knows of a recording without opening it, which it can't. */
export const recordedSchema = z.strictObject({
  id: recordingIdSchema,
  /** The controller whose operator logged in. */
  peer: z.string().max(limits.auditText),
  controller: z.string().max(limits.auditText).optional(),
  user: z.string().max(64),
  fingerprint: z.string().max(64),
  operators: z.array(z.string().max(64)).max(limits.accessGrants),
  /** By the device's clock, where it has one that it trusts. */
  began: timeSchema.optional(),
  /** Seconds from beginning to end; none while it runs, and for ever where the daemon was killed in it. */
  seconds: z.int().min(0).optional(),
  /** Of the sealed file. */
  bytes: sizeSchema,
  /** Why the session ended. */
  reason: z.string().max(limits.auditText).optional(),
})
export type Recorded = z.infer<typeof recordedSchema>

const recordingsListSchema = z.strictObject({
  v: formatVersion,
  /** The newest first. */
  recordings: z.array(recordedSchema).max(limits.recordingsListed),
})
export type RecordingsList = z.infer<typeof recordingsListSchema>
export const recordingsListCodec = codec<RecordingsList>('recordings', limits.logBytes, recordingsListSchema)

const recordingPartSchema = z.strictObject({
  v: formatVersion,
  /** Of the whole file now. */
  size: sizeSchema,
  from: sizeSchema,
  bytes: bytesSchema(0, limits.recordingPart),
})
export type RecordingPart = z.infer<typeof recordingPartSchema>
export const recordingPartCodec = codec<RecordingPart>('part of a recording', limits.logBytes, recordingPartSchema)
