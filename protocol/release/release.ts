/** Releases: the signed document that assigns each device a config, and each config a closure. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { cidSchema } from '../encoding/cid.ts'
import type { Extensions } from '../encoding/extensions.ts'
import {
  fleetIdSchema,
  formatVersion,
  messageSchema,
  nameSchema,
  systemSchema,
  targetSchema,
  timeSchema,
  versionSchema,
} from '../encoding/fields.ts'
import type { ThymeshError } from '../errors.ts'
import { limits } from '../limits.ts'
import { storePathSchema } from '../nix/store-path.ts'
import { type RebootPolicy, rebootPolicyOf } from './reboot-policy.ts'
import { promotesSchema, rolloutPolicySchema } from './rollout-policy.ts'
import { releasedSecretsSchema } from './secrets.ts'
import type { PlacedEntry } from './shard-entry.ts'
import { updatePolicySchema } from './update-policy.ts'

export const releasedConfigSchema = z.strictObject({
  system: systemSchema,
  target: targetSchema,
  topLevel: storePathSchema,
  /** The closure descriptor. */
  closure: cidSchema,
  paths: z.int().min(1).max(limits.closurePaths),
  /** The total size of the closure's NARs in bytes. */
  narSize: z.int().min(1).max(limits.narSize),
  /** How its devices update; the defaults if absent. */
  policy: updatePolicySchema.optional(),
  /** Secrets that its devices decrypt before activation. */
  secrets: releasedSecretsSchema.optional(),
})
export type ReleasedConfig = z.infer<typeof releasedConfigSchema>

export const releasedDeviceSchema = z.strictObject({
  config: nameSchema,
  /** The site and tags that waves select by. They come from the project, so all devices see the same. */
  site: nameSchema.optional(),
  tags: z.array(nameSchema).max(limits.tags).optional(),
})

export const releaseSchema = z
  .strictObject({
    v: formatVersion,
    fleet: fleetIdSchema,
    /** The site whose operators signed it; it applies to that site only. Absent in the fleet's releases. */
    site: nameSchema.optional(),
    /** The version of the targets metadata that names this release; for a site, of the site's role. */
    version: versionSchema,
    created: timeSchema,
    message: messageSchema,
    /** The Git commit that it was built from. */
    commit: z
      .string()
      .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
      .optional(),
    /** Set for a deliberate downgrade: the older version whose configs it restores. */
    restores: versionSchema.optional(),
    /** The waves in which it reaches the devices; all at once if absent. */
    rollout: rolloutPolicySchema.optional(),
    promotes: promotesSchema.optional(),
    configs: z.record(nameSchema, releasedConfigSchema),
    devices: z.record(nameSchema, releasedDeviceSchema),
  })
  .check(context => {
    const { configs, devices } = context.value
    for (const [device, { config }] of Object.entries(devices)) {
      if (Object.hasOwn(configs, config)) continue
      context.issues.push({
        code: 'custom',
        input: config,
        path: ['devices', device, 'config'],
        message: `expected one of the release's configs, got ${config}`,
      })
    }
  })
type PlainRelease = z.infer<typeof releaseSchema>

/** Extensions of a release, as the metadata that names it says. */
export interface ReleaseExtensions {
  readonly values: Extensions
  /** Names of the extensions that a device must understand before it acts on the release. */
  readonly critical: readonly string[]
}

/** How a sharded release was put together: its entries are those of the shards that are here. */
export interface Sharded {
  /** The release as it was signed. */
  readonly plain: Release
  /** The number of devices in each wave; undefined as long as the manifest isn't here. */
  readonly devicesOf: readonly number[] | undefined
  /** All shards that the manifest names. */
  readonly places: readonly PlacedEntry[]
  /** The wave of each device whose entry is here, starting at 1. */
  readonly waves: ReadonlyMap<string, number>
  /** The shards that aren't here. */
  readonly missing: readonly PlacedEntry[]
  /** What is wrong with manifest or shards: nothing of such a release is acted on. */
  readonly problem: ThymeshError | undefined
}

/** A release as it is read: the document, the extensions beside it, and what its shards add. */
export type Release = PlainRelease & {
  readonly extensions?: ReleaseExtensions | undefined
  readonly sharded?: Sharded | undefined
}

/** The document alone: extensions are part of the metadata. */
export const releaseCodec = codec<PlainRelease>('release', limits.release, releaseSchema)

/** A config with its name, and with when its devices may reboot. */
export type WantedConfig = ReleasedConfig & { readonly name: string; readonly reboot?: RebootPolicy | undefined }

/** The config that a release assigns to a device; undefined if it doesn't name the device. */
export function wantedConfig(release: Release, device: string): WantedConfig | undefined {
  const name = Object.hasOwn(release.devices, device) ? release.devices[device]?.config : undefined
  const config = name === undefined ? undefined : release.configs[name]
  if (name === undefined || config === undefined) return undefined
  const reboot = rebootPolicyOf(release.extensions?.values, name)
  return { ...config, name, ...(reboot && { reboot }) }
}
