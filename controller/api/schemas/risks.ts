/** The answer of `thymesh status --risk`: what is about to fail on which device, the most urgent first. */

import { z } from 'zod'
import { deviceStatusSchema } from './status.ts'

const riskSchema = z.object({
  /** `certificate`: it ends. `silent`: no report came for long. `update`: the last one failed. `restarts`: in a week. */
  kind: z.enum([
    'certificate',
    'disk',
    'wear',
    'temperature',
    'under-voltage',
    'restarts',
    'failed-units',
    'silent',
    'update',
  ]),
  severity: z.enum(['critical', 'warning']),
  text: z.string(),
  /** Days until it happens, where that can be said; 0 for what is so already. */
  daysLeft: z.int().min(0).nullable(),
})
export type Risk = z.infer<typeof riskSchema>

const deviceRisksSchema = z.object({
  ...deviceStatusSchema.pick({ device: true, peer: true, site: true, tags: true, config: true, state: true }).shape,
  lastSeen: z.string().nullable(),
  /** Of the last report: percent, percent, degrees Celsius. */
  disk: z.number().nullable(),
  wear: z.number().nullable(),
  temperature: z.number().nullable(),
  /** Whether the device itself told its metrics of the last weeks: without them nothing can be said of `restarts` and a full disk to come. */
  hasHistory: z.boolean(),
  /** Of the machine, in the last seven days; two within a quarter of an hour count once. */
  restarts: z.int().nullable(),
  /** Days until the disk is full, if it fills as in the last two weeks. */
  diskFullDays: z.int().nullable(),
  certificateDays: z.int().nullable(),
  /** The most urgent one first. */
  risks: z.array(riskSchema),
})
export type DeviceRisks = z.infer<typeof deviceRisksSchema>

export const risksSchema = z.object({
  /** The most urgent one first; devices without risks too, at the end. */
  devices: z.array(deviceRisksSchema),
})
export type FleetRisks = z.infer<typeof risksSchema>
