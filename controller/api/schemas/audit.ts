/** The answer of `thymesh audit`: entries of a device's witnessed log, and whether they are what the device has signed. */

import { z } from 'zod'

export const auditSchema = z.object({
  device: z.string(),
  peer: z.string(),
  /** Of the head in the device's newest report: entries, and the tree's root in hex. */
  size: z.int(),
  root: z.string(),
  /** When that was reported, by the device's clock. */
  reported: z.string().nullable(),
  /** Whether the entries below belong to that head, and all heads that this controller has seen are its beginning. */
  verified: z.boolean(),
  problem: z
    .object({
      /** `shrank`: shorter than a head that was signed. `forked`: another history than before. `entries`: not those that were signed. */
      kind: z.enum(['shrank', 'forked', 'entries']),
      message: z.string(),
    })
    .nullable(),
  /** The oldest entry that was checked. */
  from: z.int(),
  /** Older heads that agree with the newest one, and those that are too old for the device to prove. */
  heads: z.object({ agree: z.int(), tooOld: z.int() }),
  entries: z.array(
    z.object({
      index: z.int(),
      at: z.string().nullable(),
      what: z.string(),
      about: z.record(z.string(), z.string()),
      /** In base64, as it is hashed; only where it was asked for. */
      bytes: z.string().optional(),
    }),
  ),
  /** For other programs, only where it was asked for: the head as a signed note, the key that verifies it, and the hashes before. */
  proof: z.object({ checkpoint: z.string(), key: z.string(), before: z.array(z.string()) }).optional(),
})
export type DeviceAudit = z.infer<typeof auditSchema>
