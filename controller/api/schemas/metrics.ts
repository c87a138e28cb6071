/** The answer of `thymesh metrics NAME`: series of one device over a span of time. */

import { z } from 'zod'

const values = z.array(z.number().nullable())

export const metricsSchema = z.object({
  device: z.string(),
  peer: z.string(),
  /** Who told it: the device itself, or its last outbox. */
  source: z.enum(['device', 'outbox']),
  /** The time of the first value, and the seconds from one value to the next. */
  from: z.string(),
  step: z.int(),
  series: z.array(
    z.object({
      name: z.string(),
      unit: z.enum(['percent', 'celsius', 'bytes-per-second', 'seconds', 'count']).nullable(),
      /** Of each step; null where nothing was measured. */
      average: values,
      min: values,
      max: values,
    }),
  ),
})
export type DeviceMetrics = z.infer<typeof metricsSchema>
