/** The answers of `thymesh releases` and about the closures of one release. */

import { z } from 'zod'
import { placementFields } from '../../../protocol/release/secrets.ts'
import { updatePolicySchema } from '../../../protocol/release/update-policy.ts'

const secretSchema = z.object({
  /** The CID of its ciphertext. */
  document: z.string(),
  size: z.int(),
  /** SHA-256 of its inputs, in hex. */
  source: z.string(),
  ...placementFields,
})

const releaseRowSchema = z.object({
  /** The site whose own release it is; null for the fleet's. */
  site: z.string().nullable(),
  version: z.int(),
  created: z.string(),
  message: z.string(),
  commit: z.string().nullable(),
  /** The release whose configs it brings back. */
  restores: z.int().nullable(),
  configs: z.record(
    z.string(),
    z.object({
      system: z.string(),
      target: z.string(),
      topLevel: z.string(),
      /** The CID of the closure descriptor. */
      closure: z.string(),
      paths: z.int(),
      narSize: z.int(),
      policy: updatePolicySchema.optional(),
      secrets: z.record(z.string(), secretSchema).optional(),
    }),
  ),
  devices: z.record(
    z.string(),
    z.object({ config: z.string(), site: z.string().optional(), tags: z.array(z.string()).optional() }),
  ),
})
export type ReleaseRow = z.infer<typeof releaseRowSchema>

export const releasesSchema = z.object({
  releases: z.array(releaseRowSchema),
  /** What `after` continues with; missing at the end of the list. */
  next: z.string().optional(),
})

/** The paths in each config's closure of a release. */
export const releasedSchema = z.object({
  release: z.int(),
  configs: z.record(z.string(), z.array(z.object({ path: z.string(), narSize: z.int() }))),
})
export type Released = z.infer<typeof releasedSchema>
