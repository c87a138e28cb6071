/** Access: the grants in force, and the orders that change them. */

import { z } from 'zod'
import { nameSchema, timeSchema } from '../../../protocol/encoding/fields.ts'
import { limits } from '../../../protocol/limits.ts'
import { submittedSchema } from './orders.ts'

const texts = (most: number) => z.array(z.string().min(1).max(limits.sshKey)).max(most)

const signing = {
  /** The site whose own operators sign it; missing for the fleet's. */
  site: nameSchema.optional(),
  message: z.string().max(limits.message).optional(),
  trustClock: z.boolean().default(false),
}

/** The release checks each text as its own kind; what is wrong is then said in its words. */
export const grantOptions = z.strictObject({
  ...signing,
  operator: nameSchema,
  keys: texts(limits.accessKeys).min(1),
  devices: texts(limits.accessPlaces).default([]),
  tags: texts(limits.accessPlaces).default([]),
  sites: texts(limits.accessPlaces).default([]),
  users: texts(limits.accessUsers).min(1),
  may: texts(limits.accessRights).min(1),
  record: z.boolean().default(false),
  until: timeSchema.optional(),
})

export const withdrawOptions = z.strictObject({
  ...signing,
  /** IDs of grants, or names of operators, of whom all grants end. */
  grants: texts(limits.accessGrants).min(1),
})

export const accessChangedSchema = submittedSchema.extend({
  /** IDs of the grants that were made or ended. */
  grants: z.array(z.string()),
})

const grantRowSchema = z.object({
  id: z.string(),
  /** The site whose own operators signed it; null for the fleet's. */
  signedBy: z.string().nullable(),
  operator: z.string(),
  /** Fingerprints of the keys, with their types. */
  keys: z.array(z.object({ type: z.string(), fingerprint: z.string() })),
  devices: z.array(z.string()),
  tags: z.array(z.string()),
  sites: z.array(z.string()),
  users: z.array(z.string()),
  may: z.array(z.string()),
  record: z.boolean(),
  until: z.string().nullable(),
  expired: z.boolean(),
  /** Devices, known here, on which it counts. */
  counts: z.array(z.string()),
})
export type GrantRow = z.infer<typeof grantRowSchema>

/** Devices as clients of SSH see them. */
export const sshTargetsSchema = z.object({
  /** The fleet's name: `NAME.FLEET` is how `thymesh ssh-config` calls a device. */
  fleet: z.string(),
  fleetId: z.string(),
  /** The peer ID of this controller. */
  controller: z.string(),
  devices: z.array(
    z.object({
      device: z.string(),
      peer: z.string(),
      site: z.string().nullable(),
      config: z.string().nullable(),
      tags: z.array(z.string()),
      /** `ssh-ed25519 BASE64`, by the device's own report; null where it has not said it. */
      hostKey: z.string().nullable(),
      connected: z.boolean(),
      lastSeen: z.string().nullable(),
    }),
  ),
})
export type SshTargets = z.infer<typeof sshTargetsSchema>
export type SshTarget = SshTargets['devices'][number]

/** What one device said to `thymesh run`. */
const runResultSchema = z.object({
  device: z.string(),
  /** `failed`: the command ended with a code above 0. `unreached`: it was not started. `stopped`: others had failed before. */
  state: z.enum(['done', 'failed', 'unreached', 'timed-out', 'stopped']),
  /** Null where it didn't end by itself. */
  exitCode: z.int().nullable(),
  /** The end of it, if it is long. */
  stdout: z.string(),
  stderr: z.string(),
  seconds: z.number(),
  reason: z.string().nullable(),
})
export type RunResult = Readonly<z.infer<typeof runResultSchema>>

export const ranSchema = z.object({ devices: z.array(runResultSchema) })

export const accessSchema = z.object({ grants: z.array(grantRowSchema) })
