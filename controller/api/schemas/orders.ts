/** Orders: their options and what each comes to. */

import { z } from 'zod'
import { nameSchema, versionSchema } from '../../../protocol/encoding/fields.ts'
import { limits } from '../../../protocol/limits.ts'
import { rolloutPolicySchema } from '../../../protocol/release/rollout-policy.ts'

const name = z.string().min(1).max(200)
const message = z.string().max(limits.message)
const reason = z.string().max(limits.reason)
/** Seconds to wait for peers. */
const wait = z.number().min(0).max(86_400)
const names = z.array(name).max(limits.members)

/** Those of all orders that make a release. */
const releasing = {
  /** The site whose own release it is; missing for the fleet's. */
  site: nameSchema.optional(),
  message: message.optional(),
  /** Devices that somebody will wait for: refused when the release doesn't name them. */
  waitFor: names.default([]),
  /** Sign whatever this machine's clock says. */
  trustClock: z.boolean().default(false),
}

export const deployOptions = z.strictObject({
  /** The folder of the project, with its whole path; that of the controller, if missing. */
  project: z.string().startsWith('/').max(4096).optional(),
  ...releasing,
  /** A release also when nothing would change. */
  force: z.boolean().default(false),
  /** How it spreads: as the project says, by a policy, or (null) to all devices at once. */
  rollout: z.union([z.literal('project'), rolloutPolicySchema, z.null()]).default('project'),
  allowMissingRecipients: z.boolean().default(false),
})

export const rollbackOptions = z.strictObject({
  ...releasing,
  /** The release to go back to; the previous one, if missing. */
  to: versionSchema.optional(),
  /** Only these devices, and those with these tags. */
  device: names.default([]),
  tag: names.default([]),
})

export const promoteOptions = z.strictObject({
  ...releasing,
  /** The waves up to this one; all, if missing. */
  wave: versionSchema.optional(),
})

/** What became of a release that was signed. */
export const submittedSchema = z.object({
  release: z.int(),
  site: z.string().optional(),
  /** Nothing would change: `release` says all of it already. */
  same: z.boolean(),
  /** False: it is a proposal that lacks signatures, or an operator of the fleet who publishes it. */
  published: z.boolean(),
  proposal: z.string().nullable(),
})
export type Submitted = z.infer<typeof submittedSchema>

export const sitePlanSchema = z.object({
  /** Null for devices without a site. */
  site: z.string().nullable(),
  devices: z.int(),
  /** Devices that have not joined: they lack all of it. */
  unknown: z.int(),
  chunks: z.int(),
  /** Of the chunks that no device of the site has, before compression. */
  bytes: z.int(),
  /** The same compressed, by a sample; deltas may make it less. */
  wire: z.int(),
  /** Time at the site's uplink; null where nothing is known of it. */
  seconds: z.int().nullable(),
  bytesPerDay: z.int().nullable(),
  /** Whether a stick is better. */
  stick: z.boolean(),
})
export type SitePlan = z.infer<typeof sitePlanSchema>

/** What a deploy would cost. */
export const plannedSchema = z.object({
  /** The version that it would have, or that says all of it already. */
  release: z.int(),
  site: z.string().optional(),
  same: z.boolean(),
  sites: z.array(sitePlanSchema),
})
export type Planned = z.infer<typeof plannedSchema>

export const approveOptions = z.strictObject({
  /** The ID of the proposal. */
  id: z.string().regex(/^[0-9a-f]{64}$/, { error: "expected a proposal's whole ID (64 hex digits)" }),
  message: message.optional(),
  trustClock: z.boolean().default(false),
})

export const approvedSchema = z.object({
  id: z.string(),
  published: z.boolean(),
  root: z.int().nullable(),
  release: z.int().nullable(),
  members: z.int().nullable(),
  site: z.string().nullable(),
})

export const rejectOptions = z.strictObject({ id: approveOptions.shape.id, message: message.optional() })

export const rejectedSchema = z.object({ id: z.string(), withdrawn: z.boolean(), heard: z.boolean() })

export const revokeOptions = z.strictObject({ members: names.min(1), reason: reason.optional(), wait: wait.default(5) })

export const revokedSchema = z.object({
  revoked: z.array(z.object({ name: z.string(), peer: z.string() })),
  /** Names of peers that have the revocation and relay it. */
  told: z.array(z.string()),
})

export const revokeTokenOptions = z.strictObject({
  /** Its ID or the first digits of it. */
  id: z.string().regex(/^[0-9a-f]{4,64}$/),
  /** Countersign first the devices that have joined with it. */
  keep: z.boolean().default(false),
  reason: reason.optional(),
  wait: wait.default(5),
})

export const revokedTokenSchema = z.object({
  revoked: z.string(),
  dropped: z.array(z.string()),
  told: z.array(z.string()),
})

export const renewOptions = z.strictObject({
  /** Names or peer IDs; all members that ask for it, if there are none. */
  members: names.default([]),
  wait: wait.default(5),
})

export const renewedSchema = z.object({
  signed: z.array(z.object({ name: z.string(), peer: z.string(), expires: z.string() })),
  told: z.int(),
})

export const silenceOptions = z.strictObject({
  rule: nameSchema.optional(),
  device: nameSchema.optional(),
  /** One alert alone, by the second of its beginning: an acknowledgement. */
  since: z.int().min(0).optional(),
  /** Seconds from now; 0 ends a silence. */
  for: z
    .int()
    .min(0)
    .max(365 * 86_400),
  wait: wait.default(5),
})

export const silencedSchema = z.object({
  /** Names of devices that keep to it, and of those that send alerts and were not reached. */
  told: z.array(z.string()),
  missed: z.array(z.string()),
})

export const spreadOptions = z.strictObject({ seconds: z.number().min(0).max(300).default(30) })

export const heardSchema = z.object({ heard: z.boolean() })

export const collectOptions = z.strictObject({
  /** Names of devices; those that are connected are asked. */
  devices: names.min(1),
})

/** What was taken along of each device that answered. */
export const collectedSchema = z.object({
  collected: z.array(z.object({ device: z.string(), history: z.int(), logs: z.array(z.string()) })),
})
export type Collected = z.infer<typeof collectedSchema>
