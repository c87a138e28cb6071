/** The answer of `thymesh status`: what every device runs and how it is. */

import { z } from 'zod'
import { waySchema } from '../../../node/mesh/relay/network-view.ts'
import { daemonSchema } from '../../../protocol/report/daemon.ts'
import { deviceStateSchema, freshnessSchema, turnSchema, updateSchema } from '../../../protocol/report/report.ts'

const reportedErrorSchema = z.object({ code: z.string(), message: z.string(), hint: z.string() })

const claimantSchema = z.object({ device: z.string(), peer: z.string() })
export const claimantsSchema = z.array(claimantSchema)
export type Claimant = z.infer<typeof claimantSchema>

export const alarmSchema = z.object({
  /** `log`: a device's witnessed log shrank or forked. */
  kind: z.enum(['clone', 'equivocation', 'log']),
  /** The peer ID of a device, or the name of a document. */
  subject: z.string(),
  /** Whether this controller has verified the evidence itself: two signed documents, or one key in two processes. */
  verified: z.boolean(),
  /** The devices that say so in their reports. */
  claimedBy: claimantsSchema,
})
export type Alarm = z.infer<typeof alarmSchema>

/** What the mesh knows of one device, beside what the release wants. */
export const deviceStatusSchema = z.object({
  device: z.string(),
  peer: z.string().nullable(),
  site: z.string().nullable(),
  /** As the release has them. */
  tags: z.array(z.string()).default([]),
  /** The config that the release wants, else the one that it reports. */
  config: z.string().nullable(),
  /** The site whose own release counts for it; null for the fleet's. */
  follows: z.string().nullable(),
  /** The site whose versions `release` and `wanted` are; null for the fleet's. */
  releaseSite: z.string().nullable(),
  /** The release that runs. */
  release: z.int().nullable(),
  running: z.string().nullable(),
  /** The release that it updates to, or failed to update to. */
  wanted: z.int().nullable(),
  /**
   * `unseen`: declared, but no report of it has come. `outdated`: runs something else than the release wants. `queued`: it
   * knows the release and waits for its turn. `awaiting-reboot`: so it does, with an update that will reboot it.
   */
  state: z.enum([...deviceStateSchema.options, 'unseen', 'outdated', 'queued', 'awaiting-reboot']),
  /** Why it waits for its turn: its wave, or its maintenance window. */
  turn: turnSchema.nullable(),
  lastSeen: z.string().nullable(),
  freshness: freshnessSchema.nullable(),
  error: reportedErrorSchema.nullable(),
  /** The daemon's version and where it comes from; null where the device doesn't say. */
  daemon: daemonSchema.nullable().default(null),
  update: updateSchema.nullable(),
  /** How it is connected to this controller now; null if it isn't. */
  way: waySchema.nullable(),
  /** Another peer has the same name: one of them is not what it seems. */
  duplicate: z.boolean(),
})
export type DeviceStatus = z.infer<typeof deviceStatusSchema>

export const devicesSchema = z.object({
  devices: z.array(deviceStatusSchema),
  /** What `after` continues with; missing at the end of the list. */
  next: z.string().optional(),
})

const uplinkUseSchema = z.object({
  site: z.string(),
  bytesPerDay: z.int().nullable(),
  /** On the wire. */
  spent: z.int(),
  /** Whether a window is open; always without windows. */
  open: z.boolean(),
  opensAt: z.string().nullable(),
})
export type UplinkUse = z.infer<typeof uplinkUseSchema>

export const statusSchema = z.object({
  fleet: z.string(),
  /** The newest release of the fleet; null before the first one came. */
  release: z.int().nullable(),
  /** The newest releases of sites with operators of their own. */
  sites: z.record(z.string(), z.int()),
  /** The same releases with their messages; `site` is null for the fleet's. */
  newest: z.array(z.object({ site: z.string().nullable(), version: z.int(), message: z.string() })),
  /** Names of the members that this controller is connected to. */
  peers: z.array(z.string()),
  devices: z.array(deviceStatusSchema),
  alarms: z.array(alarmSchema),
  /** Sites whose uplink has a budget or windows, and what their devices say that they have spent of it today (UTC). */
  uplinks: z.array(uplinkUseSchema),
  /** When the root ends, from 90 days before. */
  rootEnd: z.object({ expires: z.string(), daysLeft: z.int() }).nullable(),
  /** Paths of this controller's own store that are damaged: devices ask for them here in vain. */
  damaged: z.array(z.string()),
})
export type FleetStatus = z.infer<typeof statusSchema>
