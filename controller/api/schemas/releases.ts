/** The answers of `thymesh releases` and about the closures of one release. */

import { z } from 'zod'
import { placementFields } from '../../../protocol/release/secrets.ts'
import { updatePolicySchema } from '../../../protocol/release/update-policy.ts'
import { sitePlanSchema } from './orders.ts'

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
  /** The config of each device. */
  devices: z.record(z.string(), z.string()).default({}),
})
export type Released = z.infer<typeof releasedSchema>

const packageChange = z.object({ name: z.string(), before: z.array(z.string()), after: z.array(z.string()) })

/** How the packages of one config differ, by name and versions. */
export const closureDiffSchema = z.object({
  config: z.string(),
  ...{ added: z.array(packageChange), removed: z.array(packageChange), changed: z.array(packageChange) },
  ...{ rebuilt: z.int(), bytesBefore: z.int(), bytesAfter: z.int() },
})
export type ClosureDiffRow = z.infer<typeof closureDiffSchema>

/** How the packages of one release differ from those of an older one. */
export const releaseChangesSchema = z.object({
  site: z.string().nullable(),
  release: z.int(),
  /** Null for a first release: nothing was before it. */
  since: z.int().nullable(),
  configs: z.array(closureDiffSchema),
  /** Configs that only the older one has. */
  removed: z.array(z.string()),
  /** Configs of which this controller lacks the list of paths of one of the two. */
  unknown: z.array(z.string()),
})
export type ReleaseChanges = z.infer<typeof releaseChangesSchema>

/** What a release still costs each site. */
export const releaseCostSchema = z.object({
  site: z.string().nullable(),
  release: z.int(),
  sites: z.array(sitePlanSchema),
})
export type ReleaseCost = z.infer<typeof releaseCostSchema>
