/** What a device's own API answers: its own state, and its site's devices by their newest reports. */

import { z } from 'zod'
import {
  alarmSchema,
  deviceStateSchema,
  freshnessSchema,
  healthSchema,
  turnSchema,
  updateSchema,
} from '../../protocol/report/report.ts'

const siteDeviceSchema = z.object({
  device: z.string(),
  peer: z.string(),
  /** Whether it is connected to the device that answers, or is that device. */
  connected: z.boolean(),
  /** `unseen`: no report of it has come. */
  state: z.enum([...deviceStateSchema.options, 'unseen']),
  config: z.string().nullable(),
  /** The site whose versions `release` and `wanted` are; null for the fleet's. */
  releaseSite: z.string().nullable(),
  /** The release that runs. */
  release: z.int().nullable(),
  running: z.string().nullable(),
  /** The release that it updates to, or failed to update to. */
  wanted: z.int().nullable(),
  /** Why it waits for its turn. */
  turn: turnSchema.nullable(),
  update: updateSchema.nullable(),
  health: healthSchema.nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  freshness: freshnessSchema.nullable(),
  lastSeen: z.string().nullable(),
})
export type SiteDevice = z.infer<typeof siteDeviceSchema>

/** The newest release for this device and its site; null before the first one came. */
const newestSchema = z
  .object({ site: z.string().nullable(), version: z.int(), message: z.string(), created: z.string() })
  .nullable()

export const ownStatusSchema = siteDeviceSchema.extend({
  fleet: z.string(),
  role: z.string(),
  site: z.string().nullable(),
  newest: newestSchema,
  /** The system of the next start, where it is another one. */
  boots: z.string().nullable(),
  /** The last lines of an activation that failed. */
  excerpt: z.string().nullable(),
  alarms: z.array(alarmSchema),
  /** Names of the members that it is connected to. */
  peers: z.array(z.string()),
  /** The port at the router; null where none is asked for. Daemons of the version before don't say. */
  portMapping: z
    .object({
      state: z.enum(['asking', 'unheard', 'no-router', 'absent', 'refused', 'mapped']),
      /** `IP:PORT` where others have reached this device; null before that. */
      address: z.string().nullable(),
      until: z.string().nullable(),
      message: z.string(),
    })
    .nullable()
    .default(null),
})
export type OwnStatus = z.infer<typeof ownStatusSchema>

export const siteSchema = z.object({
  site: z.string().nullable(),
  newest: newestSchema,
  /** By name; the device that answers is among them. */
  devices: z.array(siteDeviceSchema),
})
export type SiteStatus = z.infer<typeof siteSchema>
