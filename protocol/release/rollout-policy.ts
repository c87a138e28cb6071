/** Rollout policies: the waves of a release, and the conditions for the next wave to begin. */

import { z } from 'zod'
import { nameSchema, versionSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

/** At most a month: for a longer wait, make the release later. */
const waitSchema = z
  .int()
  .min(0)
  .max(31 * 86_400)
const devicesSchema = z.int().min(0).max(limits.members)

/** The conditions of a wave; set for all waves or for one. */
const proof = {
  /** How long a confirmed wave must stay confirmed before the next one begins. */
  soakSeconds: waitSchema.optional(),
  /** Failed devices that a wave tolerates. One more holds all devices that have not begun. */
  failures: devicesSchema.optional(),
  /** Devices of a wave that may stay silent: switched off or unreachable. At least one has to confirm. */
  absent: devicesSchema.optional(),
}

/** One wave: exactly one of the four ways to select from the devices that no earlier wave has. */
const waveSchema = z
  .strictObject({
    /** Devices with this tag. */
    tag: nameSchema.optional(),
    /** This number of devices. */
    count: z.int().min(1).max(limits.members).optional(),
    /** This percentage of all devices, rounded up. */
    percent: z.int().min(1).max(100).optional(),
    /** One device of each site. */
    onePerSite: z.literal(true).optional(),
    ...proof,
  })
  .refine(
    ({ tag, count, percent, onePerSite }) =>
      [tag, count, percent, onePerSite].filter(each => each !== undefined).length === 1,
    {
      error: 'expected one of "tag", "count", "percent" and "onePerSite" in each wave',
    },
  )
export type WavePolicy = z.infer<typeof waveSchema>

/**
 * The action of a device that can't reach any device of the earlier waves: `wait`, or proceed `afterSeconds` after it
 * last heard of one. Then the reachable devices proceed as a fleet of their own, starting with one of them.
 */
const isolatedSchema = z.union([
  z.literal('wait'),
  z.strictObject({
    afterSeconds: z
      .int()
      .min(1)
      .max(365 * 86_400),
  }),
])

/** The policy as written in a project and carried by a release. The devices that no wave selects form the last wave. */
export const rolloutPolicySchema = z.strictObject({
  waves: z.array(waveSchema).min(1).max(limits.waves),
  ...proof,
  isolated: isolatedSchema.optional(),
  /** Whether devices prefetch while they wait for their wave. */
  prefetch: z.boolean().optional(),
})
export type RolloutPolicy = z.infer<typeof rolloutPolicySchema>

/** Promotes an older release: opens all of its waves, or the first ones. */
export const promotesSchema = z.strictObject({
  /** The release whose content and waves this one keeps. */
  release: versionSchema,
  /** The number of waves that are open; all if absent. */
  waves: z
    .int()
    .min(1)
    .max(limits.waves + 1)
    .optional(),
})

/** Defaults of a rollout policy. */
export const rolloutDefaults = {
  soakSeconds: 600,
  failures: 0,
  absent: 0,
  isolated: 'wait',
  prefetch: true,
} as const satisfies Partial<RolloutPolicy>
