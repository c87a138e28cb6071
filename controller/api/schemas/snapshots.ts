/** Snapshots of a device's screens: what is known of each, and with their pictures. */

import { z } from 'zod'
import { limits } from '../../../protocol/limits.ts'

const about = {
  screen: z.string(),
  /** By the device's clock; null where it had none that it trusts. */
  taken: z.string().nullable(),
  /** SHA-256 of the picture in hex, as the device's witnessed log says it. */
  sha256: z.string(),
  /** Of the picture. */
  bytes: z.int(),
}

export const snapshotsOptions = z.strictObject({ device: z.string().max(200) })

export const snapshotsSchema = z.object({
  device: z.string(),
  /** Asked of the device now, or kept here: brought by an outbox, or asked for before. */
  source: z.enum(['device', 'kept']),
  /** The newest first. */
  snapshots: z
    .array(
      z.object({
        ...about,
        /** A PNG in base64. */
        png: z.string().max(2 * limits.screenSnapshot),
      }),
    )
    .max(limits.screenSnapshots),
})
export type ShownSnapshots = z.infer<typeof snapshotsSchema>

/** As the command prints them: each may be in a file. */
export const listedSnapshotsSchema = snapshotsSchema.extend({
  snapshots: z.array(z.object({ ...about, file: z.string().optional() })),
})
export type ListedSnapshots = z.infer<typeof listedSnapshotsSchema>
