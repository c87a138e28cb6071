/** What a peer knows of one device and of the release that it should run: the facts from which anyone can tell why it doesn't. */

import { z } from 'zod'
import { nameSchema, roleSchema, timeSchema, versionSchema } from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import {
  deviceStateSchema,
  freshnessSchema,
  healthSchema,
  turnSchema,
  updateSchema,
} from '../../protocol/report/report.ts'
import { waySchema } from '../mesh/relay/network-view.ts'

/** Names of devices that one fact lists; beyond it only their number is told. */
export const namedHolders = 8

const releaseFacts = z.strictObject({
  version: versionSchema,
  /** The site whose own release it is; null for the fleet's. */
  site: nameSchema.nullable(),
  created: timeSchema,
  message: z.string().max(limits.message),
  /** What it wants of the device; null if it doesn't name the device. */
  wanted: z.strictObject({ config: nameSchema, topLevel: storePathSchema, narSize: z.int().min(0) }).nullable(),
})

const memberFacts = z.strictObject({
  peer: z.string().max(100),
  site: nameSchema.nullable(),
  expires: timeSchema,
  /** Whether the certificate makes it a member now: by its keys, its token and its end. */
  valid: z.boolean(),
  hasEnded: z.boolean(),
  byToken: z.boolean(),
  /** Other peers with the same name. */
  others: z.int().min(0),
})

const reportFacts = z.strictObject({
  at: timeSchema.nullable(),
  state: deviceStateSchema,
  site: nameSchema.nullable(),
  release: versionSchema.nullable(),
  wanted: versionSchema.nullable(),
  running: storePathSchema.nullable(),
  boots: storePathSchema.nullable(),
  attempts: z.int().nullable(),
  freshness: freshnessSchema,
  health: healthSchema.nullable(),
  turn: turnSchema.nullable(),
  update: updateSchema.nullable(),
  error: z.strictObject({ code: z.string().max(50), message: z.string().max(limits.message) }).nullable(),
  /** Why it reboots for the update that it waits with; null if it doesn't. */
  awaitsReboot: z.string().max(300).nullable(),
  /** Whether it speaks of the release, or of one that it promotes. */
  knowsRelease: z.boolean(),
})

export const deviceFactsSchema = z.strictObject({
  device: nameSchema,
  /** Who tells: the facts are as they came to this peer. */
  asked: z.strictObject({ name: nameSchema, role: roleSchema }),
  /** The time there; null without a live clock. */
  now: timeSchema.nullable(),
  /** The release that counts for the device; null before the first one. */
  release: releaseFacts.nullable(),
  member: memberFacts.nullable(),
  /** When a member of this name was revoked, and why. */
  revoked: z.strictObject({ at: timeSchema, reason: z.string().max(limits.reason).nullable() }).nullable(),
  report: reportFacts.nullable(),
  /** Whether the device is this peer itself, or connected to it. */
  connected: z.boolean(),
  /** The way of the connection; null without one. */
  way: waySchema.nullable(),
  /** Members that are connected to this peer. */
  neighbours: z.int().min(0),
  /** Its wave, as this peer's reports say. */
  wave: z
    .strictObject({
      number: z.int(),
      of: z.int(),
      is: z.enum(['open', 'waiting', 'held']),
      reason: z.string().max(limits.turnReason),
    })
    .nullable(),
  /** When its next window opens, for updates or for the reboot that it waits for, if none is open; `opens` is null for never. */
  window: z.strictObject({ of: z.enum(['updates', 'reboots']), opens: timeSchema.nullable() }).nullable(),
  /** Devices that have all of what it should run, and how many they are. */
  holders: z.strictObject({ names: z.array(nameSchema).max(namedHolders), count: z.int().min(0) }),
  /** Bytes of chunks that what it runs doesn't have; null if this peer doesn't know both closures. */
  newBytes: z.int().min(0).nullable(),
  /** The budget of its site's uplink, and what the site's reports say of it; null without one. */
  uplink: z
    .strictObject({
      bytesPerDay: z.int().nullable(),
      spent: z.int(),
      open: z.boolean(),
      opens: timeSchema.nullable(),
    })
    .nullable(),
  /** Whether two signed releases of one version are known here. */
  equivocation: z.boolean(),
})
export type DeviceFacts = z.infer<typeof deviceFactsSchema>
