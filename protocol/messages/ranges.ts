/**
 * Messages of sync by ranges: two peers find out in which members they differ, by fingerprints of ranges of all members
 * and by short lists. Then each sends the other what that one lacks, compressed in batches.
 */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { type SyncContent, syncContentSchema } from './messages.ts'

/** Bytes of a member's key: the beginning of the SHA-256 of its peer ID. Members are sorted by their keys. */
export const memberKeyLength = 12
/** Bytes of the fingerprint of all members: the beginning of a SHA-256, so that nobody finds two states with the same one. */
export const printLength = 16
/**
 * Bytes of the fingerprint of a range. It is salted with both sides' fingerprints of all members: who looks for two states with
 * the same one gets another salt with each, so there are 2^64 pairs to try, where two unsalted ones of this length take 2^32.
 */
export const rangePrintLength = 8

/** The first message of both sides: fingerprints of its head, if it has one, and of all members that it knows. */
const openingSchema = z.strictObject({
  head: bytesSchema(printLength).optional(),
  print: bytesSchema(printLength),
})
export type Opening = z.infer<typeof openingSchema>
export const openingCodec = codec<Opening>('sync opening', limits.request, openingSchema)

/** A member as its holder knows it: key, rank of its certificate, counter of its report (0 without one). */
const heldSchema = z.tuple([bytesSchema(memberKeyLength), z.int(), z.int().min(0)])
export type Held = z.infer<typeof heldSchema>

/** Where a range ends: before the first key that isn't below these bytes. Empty after all keys. */
const boundSchema = bytesSchema(0, memberKeyLength)

/**
 * Ranges in ascending order, each from the end of the last one: nothing is to be said of it, or its fingerprint is this,
 * or these are its members.
 */
const rangeSchema = z.union([
  z.tuple([boundSchema]),
  z.tuple([boundSchema, bytesSchema(rangePrintLength, printLength)]),
  z.tuple([boundSchema, z.array(heldSchema).max(limits.listedMembers)]),
])
export type Range = z.infer<typeof rangeSchema>

/** What of a member is wanted: 1 its certificate, 2 its report, 3 both. */
const wantedSchema = z.tuple([bytesSchema(memberKeyLength), z.int().min(1).max(3)])

/** One turn of the comparison. One without fingerprints and lists is the last. */
const rangesSchema = z.strictObject({
  ranges: z.array(rangeSchema).max(limits.ranges),
  wants: z.array(wantedSchema).max(limits.wantedMembers),
})
export type Ranges = z.infer<typeof rangesSchema>
export const rangesCodec = codec<Ranges>('sync ranges', limits.rangesMessage, rangesSchema)

/** Items, as zstd of their list; `noMore` follows the last batch. `unpacked`: the bytes of the list. */
const batchSchema = z.union([
  z.strictObject({ packed: bytesSchema(1, limits.syncBatch), unpacked: z.int().min(1).max(limits.syncBatch) }),
  z.strictObject({ noMore: z.literal(true) }),
])
export type SyncBatch = z.infer<typeof batchSchema>
export const batchCodec = codec<SyncBatch>('sync batch', limits.syncBatch + limits.request, batchSchema)

/** The list that a batch contains. */
export const batchContentsCodec = codec<SyncContent[]>(
  'list of sync items',
  limits.syncBatch,
  z.array(syncContentSchema).min(1).max(limits.syncBatchItems),
)
