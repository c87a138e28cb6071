/** The answers of `thymesh device NAME` and `thymesh logs`: all that is known of one device, and lines of its journal. */

import { z } from 'zod'
import { historyEntrySchema } from '../../../protocol/messages/logs.ts'
import { healthSchema } from '../../../protocol/report/report.ts'
import { deviceStatusSchema } from './status.ts'

export const deviceSchema = z.object({
  device: z.string(),
  peer: z.string(),
  certificate: z.object({
    role: z.string(),
    site: z.string().nullable(),
    issued: z.string(),
    expires: z.string(),
    byToken: z.boolean(),
  }),
  /** Of the newest release that counts for it; null when that doesn't name the device. */
  declared: z
    .object({ config: z.string(), site: z.string().nullable(), tags: z.array(z.string()), wave: z.int() })
    .nullable(),
  status: deviceStatusSchema.nullable(),
  health: healthSchema.nullable(),
  /** Where it was reached. */
  addresses: z.array(z.string()),
  /** Whether it is connected to this controller now. */
  connected: z.boolean(),
  /** The newest first. `device`: by its own notes; `reports`: what of them came here. */
  history: z.array(historyEntrySchema),
  historyFrom: z.enum(['device', 'reports']),
  /** The last lines of an activation that failed. */
  excerpt: z.string().nullable(),
})
export type DeviceDetails = z.infer<typeof deviceSchema>

export const deviceLogSchema = z.object({ device: z.string(), peer: z.string(), lines: z.array(z.string()) })
export type DeviceLog = z.infer<typeof deviceLogSchema>

/** Of `thymesh logs --on`: each device's own, in the order of the table of `status`. */
export const searchedLogsSchema = z.object({
  devices: z.array(
    z.object({
      device: z.string(),
      state: z.enum(['read', 'unreached']),
      /** Why it was not read. */
      reason: z.string().nullable(),
      /** The newest that fit. */
      lines: z.array(z.string()),
      /** Whether there were more lines than a device tells at once: older ones were not searched. */
      cut: z.boolean(),
    }),
  ),
})
export type SearchedLogs = z.infer<typeof searchedLogsSchema>
