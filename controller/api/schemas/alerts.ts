/** The answer of `thymesh alerts`: what is wrong on which device, who was told, and what is silenced. */

import { z } from 'zod'

export const alertsSchema = z.object({
  /** The worst first, then the newest. */
  alerts: z.array(
    z.object({
      device: z.string(),
      peer: z.string(),
      site: z.string().nullable(),
      rule: z.string(),
      severity: z.enum(['info', 'warning', 'critical']),
      state: z.enum(['firing', 'ended']),
      /** The seconds that name it; absent for a device that nobody hears of, which this controller sees itself. */
      id: z.int().nullable(),
      since: z.string().nullable(),
      until: z.string().nullable(),
      summary: z.string(),
      /** Devices that have sent it, by channel. */
      told: z.array(z.object({ channel: z.string(), by: z.string() })),
      silencedBy: z.string().nullable(),
      acknowledgedBy: z.string().nullable(),
    }),
  ),
  silences: z.array(
    z.object({
      rule: z.string().nullable(),
      device: z.string().nullable(),
      until: z.string(),
      by: z.string(),
      /** Devices that keep to it. */
      keptBy: z.array(z.string()),
    }),
  ),
  /** How many rules the newest release has: without any, silence says nothing. */
  rules: z.int(),
})
export type FleetAlerts = z.infer<typeof alertsSchema>
export type FleetAlert = FleetAlerts['alerts'][number]
