/** Releases: the signed document that says which config every device runs and which closure each config is. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { cidSchema } from '../encoding/cid.ts'
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
import { limits } from '../limits.ts'
import { storePathSchema } from '../nix/store-path.ts'
import { promotesSchema, rolloutPolicySchema } from './rollout-policy.ts'
import { releasedSecretsSchema } from './secrets.ts'
import { updatePolicySchema } from './update-policy.ts'

const configSchema = z.strictObject({
  system: systemSchema,
  target: targetSchema,
  topLevel: storePathSchema,
  /** The closure descriptor. */
  closure: cidSchema,
  paths: z.int().min(1).max(limits.closurePaths),
  /** Bytes of all NARs of the closure together. */
  narSize: z.int().min(1).max(limits.narSize),
  /** How its devices update; the defaults when there is none. */
  policy: updatePolicySchema.optional(),
  /** What its devices decrypt before it is activated. */
  secrets: releasedSecretsSchema.optional(),
})
export type ReleasedConfig = z.infer<typeof configSchema>

const deviceSchema = z.strictObject({
  config: nameSchema,
  /** The site and tags by which waves choose; of the project, so that all devices see the same. */
  site: nameSchema.optional(),
  tags: z.array(nameSchema).max(limits.tags).optional(),
})

const releaseSchema = z
  .strictObject({
    v: formatVersion,
    fleet: fleetIdSchema,
    /** The site whose operators signed it, for devices of that site only; the fleet's operators did without it. */
    site: nameSchema.optional(),
    /** That of the targets metadata which names this release; of a site's role, counted for each site alone. */
    version: versionSchema,
    created: timeSchema,
    message: messageSchema,
    /** The Git commit it was built from. */
    commit: z
      .string()
      .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
      .optional(),
    /** A deliberate downgrade: the older version whose configs it names again. */
    restores: versionSchema.optional(),
    /** In which waves it reaches the devices; at once without it. */
    rollout: rolloutPolicySchema.optional(),
    promotes: promotesSchema.optional(),
    configs: z.record(nameSchema, configSchema),
    devices: z.record(nameSchema, deviceSchema),
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
export type Release = z.infer<typeof releaseSchema>

export const releaseCodec = codec<Release>('release', limits.release, releaseSchema)

/** What a release wants of a device, or nothing when it doesn't name it. */
export function wantedConfig(release: Release, device: string): (ReleasedConfig & { name: string }) | undefined {
  const name = Object.hasOwn(release.devices, device) ? release.devices[device]?.config : undefined
  const config = name === undefined ? undefined : release.configs[name]
  return name === undefined || config === undefined ? undefined : { ...config, name }
}
