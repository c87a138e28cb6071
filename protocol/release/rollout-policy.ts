/** Rollout policies: in which waves a release reaches the devices, what a wave has to show before the next one begins. */

import { z } from 'zod'
import { nameSchema, versionSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

/** A month: whoever wants a longer wait makes a release later. */
const waitSchema = z
  .int()
  .min(0)
  .max(31 * 86_400)
const devicesSchema = z.int().min(0).max(limits.members)

/** What a wave has to show; given for all waves, or for one of them. */
const proof = {
  /** How long a wave that has confirmed must stay so before the next one begins. */
  soakSeconds: waitSchema.optional(),
  /** Failed devices that a wave bears; one more holds all that have not begun. */
  failures: devicesSchema.optional(),
  /** Devices of a wave that may stay silent: switched off, out of reach. One has to confirm all the same. */
  absent: devicesSchema.optional(),
}

/** One wave: exactly one of the four ways to choose among the devices that no wave before it has. */
const waveSchema = z
  .strictObject({
    /** Devices with this tag. */
    tag: nameSchema.optional(),
    /** So many devices. */
    count: z.int().min(1).max(limits.members).optional(),
    /** So many of a hundred of all devices, rounded up. */
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
 * What devices do that hear of none of the waves before theirs: `wait`, or, `afterSeconds` after they heard of one last,
 * go on as a fleet of their own, beginning with one of them.
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

/** The policy, as a project writes it and a release carries it. Devices that no wave chooses are the last wave. */
export const rolloutPolicySchema = z.strictObject({
  waves: z.array(waveSchema).min(1).max(limits.waves),
  ...proof,
  isolated: isolatedSchema.optional(),
  /** Whether devices fetch while they wait for their wave. */
  prefetch: z.boolean().optional(),
})
export type RolloutPolicy = z.infer<typeof rolloutPolicySchema>

/** A release that lets devices of an older one go on: all of them, or those of the first waves. */
export const promotesSchema = z.strictObject({
  /** The release whose content this is, and whose waves it keeps. */
  release: versionSchema,
  /** So many waves are open; all without it. */
  waves: z
    .int()
    .min(1)
    .max(limits.waves + 1)
    .optional(),
})

/** What holds where a policy says nothing. */
export const rolloutDefaults = {
  soakSeconds: 600,
  failures: 0,
  absent: 0,
  isolated: 'wait',
  prefetch: true,
} as const satisfies Partial<RolloutPolicy>
