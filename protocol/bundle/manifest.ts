/** `bundle.json`: what a bundle holds, for people and for progress. It is a hint, and nothing is believed because of it. */

import { z } from 'zod'
import { describeIssues } from '../encoding/cbor.ts'
import { fleetIdSchema, formatVersion, nameSchema, timeSchema, versionSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { BundleError } from './bundle-error.ts'

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER)

const manifestSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  created: timeSchema,
  /** The fleet's release, and those of sites with operators of their own. */
  release: versionSchema,
  sites: z.record(nameSchema, versionSchema).optional(),
  /** The configs whose closures it holds; `site/config` for one of a site's own release. */
  configs: z.array(z.string().max(130)).max(limits.bundleConfigs),
  /** The site that it was written for. */
  site: nameSchema.optional(),
  /** It leaves out what these closures hold: their top levels. */
  without: z.array(z.string().max(300)).max(limits.bundleConfigs).optional(),
  /** This volume, from 1, and how many there are. */
  volume: z.int().min(1).max(limits.bundleVolumes),
  volumes: z.int().min(1).max(limits.bundleVolumes),
  /** Chunks of this volume, and their bytes. */
  chunks: count,
  bytes: count,
})
export type BundleManifest = z.infer<typeof manifestSchema>

/** The text of `bundle.json`. */
export function encodeManifest(manifest: BundleManifest): Uint8Array {
  return Buffer.from(`${JSON.stringify(manifestSchema.parse(manifest), null, 2)}\n`)
}

export function decodeManifest(bytes: Uint8Array): BundleManifest {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw new BundleError('malformed', 'expected JSON in bundle.json, got other text', { cause, hint: newer })
  }
  const result = manifestSchema.safeParse(value)
  if (result.success) return result.data
  throw new BundleError('malformed', `not a valid bundle.json: ${describeIssues(result.error)}`, { hint: newer })
}

const newer = 'A newer version of Thymesh may have written it: update this one, or write the bundle again.'
