/** The answers of `thymesh rollout` and of a watched release: waves, and how far each device is. */

import { z } from 'zod'
import { promotesSchema, rolloutPolicySchema } from '../../../protocol/release/rollout-policy.ts'
import { updateSchema } from '../../../protocol/report/report.ts'
import { deviceStatusSchema } from './status.ts'

const waveDeviceSchema = z.object({
  device: z.string(),
  outcome: z.enum(['confirmed', 'failed', 'pending']),
  /** Its own word on why it waits. */
  reason: z.string().nullable(),
  /** How far its fetch of this release is, while it fetches: as in its report, which is of `lastSeen`. */
  update: updateSchema.nullable(),
  lastSeen: z.string().nullable(),
})
export type WaveDevice = z.infer<typeof waveDeviceSchema>

const waveStatusSchema = z.object({
  wave: z.int(),
  /** What it chooses, in words. */
  title: z.string(),
  devices: z.array(waveDeviceSchema),
  confirmed: z.int(),
  failed: z.int(),
  soakSeconds: z.int(),
  /** How many failed devices it tolerates. */
  failures: z.int(),
  absent: z.int(),
  /** `updating`: it is open, and not all have confirmed. */
  state: z.enum(['confirmed', 'updating', 'waiting', 'held', 'empty']),
  /** Why it waits or is held. */
  reason: z.string().nullable(),
})
export type WaveStatus = z.infer<typeof waveStatusSchema>

export const rolloutSchema = z.object({
  release: z.int(),
  /** The site whose own release it is; missing for the fleet's. */
  site: z.string().optional(),
  message: z.string(),
  promotes: promotesSchema.nullable(),
  policy: rolloutPolicySchema.nullable(),
  complete: z.boolean(),
  waves: z.array(waveStatusSchema),
})
export type RolloutStatus = z.infer<typeof rolloutSchema>

/** How far one release is, which `deploy`, `rollback`, `promote` and `approve` watch. */
export const progressOfReleaseSchema = z.object({
  release: z.int(),
  /** The site whose own release it is; missing for the fleet's. */
  site: z.string().optional(),
  /** Every awaited device has ended with it. */
  complete: z.boolean(),
  /** It goes on only with a newer release or a promotion: all that have not ended are held by failures. */
  held: z.boolean(),
  /** The release whose configs it brings back. */
  restores: z.int().nullable(),
  /** Peers other than the controller that have the whole release: with one of them the controller may leave. */
  holders: z.array(z.string()),
  /** Devices that have failed with it, for good or for now. */
  failed: z.array(z.string()),
  /** Devices that are awaited and have not ended with it. */
  waiting: z.array(z.string()),
  /** Paths of the controller's own store that are damaged: devices ask for them there in vain. */
  damaged: z.array(z.string()),
  devices: z.array(deviceStatusSchema),
  /** None for a release without a rollout policy. */
  waves: z.array(waveStatusSchema),
})
export type ReleaseProgress = z.infer<typeof progressOfReleaseSchema>
