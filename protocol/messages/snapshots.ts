/** Small pictures of a device's screens, which it takes at times by itself: asked for, and as they are given. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema, formatVersion, nameSchema, timeSchema } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'

/** The ticket is that of forwarded connections: a granted key has signed for it. */
const snapshotsHelloSchema = z.strictObject({
  v: formatVersion,
  ticket: bytesSchema(hashLength),
  /** How many at most, the newest first. */
  most: z.int().min(1).max(limits.screenSnapshots),
  /** Whether with the pictures themselves. */
  pictures: z.boolean(),
})
export type SnapshotsHello = z.infer<typeof snapshotsHelloSchema>
export const snapshotsHelloCodec = codec<SnapshotsHello>('snapshots hello', limits.accessHello, snapshotsHelloSchema)

const begin = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]

/** A PNG that says first how small it is: whoever shows it needs no more memory than that. */
export const snapshotPngSchema = bytesSchema(begin.length + 8, limits.screenSnapshot).refine(
  png => begin.every((byte, at) => png[at] === byte) && side(png, 16) && side(png, 20),
  { error: `expected a PNG of at most ${limits.screenSnapshotSide} pixels a side` },
)

function side(png: Uint8Array, at: number): boolean {
  const pixels = new DataView(png.buffer, png.byteOffset).getUint32(at)
  return pixels >= 1 && pixels <= limits.screenSnapshotSide
}

const about = {
  screen: nameSchema,
  /** By the device's clock; missing where it had none that it trusts. */
  taken: timeSchema.optional(),
}

/** One, or that there are no more. */
const snapshotItemSchema = z.union([
  z.strictObject({
    ...about,
    /** Of the picture, as the witnessed log says it. */
    sha256: bytesSchema(hashLength),
    bytes: z.int().min(1).max(limits.screenSnapshot),
    png: snapshotPngSchema.optional(),
  }),
  z.strictObject({ more: z.literal(false) }),
])
export type SnapshotItem = z.infer<typeof snapshotItemSchema>
export const snapshotItemCodec = codec<SnapshotItem>(
  'snapshot',
  limits.screenSnapshot + limits.request,
  snapshotItemSchema,
)

/** The newest of a screen, as it travels home on a stick, and as controllers keep it. */
export const carriedSnapshotSchema = z.strictObject({ ...about, png: snapshotPngSchema })
export type CarriedSnapshot = z.infer<typeof carriedSnapshotSchema>
export const carriedSnapshotsCodec = codec<{ v: 1; snapshots: CarriedSnapshot[] }>(
  'carried snapshots',
  limits.snapshotScreens * (limits.screenSnapshot + limits.request),
  z.strictObject({ v: formatVersion, snapshots: z.array(carriedSnapshotSchema).max(limits.snapshotScreens) }),
)
