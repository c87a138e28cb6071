/** On which part of each day devices were on, as the page's map of availability shows it. */

import { z } from 'zod'

export const availabilitySchema = z.object({
  /** The days (UTC), the oldest first; the last one is today, as far as it has gone. */
  days: z.array(z.string()),
  /** Those that answered, by name. */
  devices: z.array(
    z.object({
      device: z.string(),
      peer: z.string(),
      site: z.string().nullable(),
      /** From 0 to 1; null for days before its first measurement, of which nothing is known. */
      on: z.array(z.number().min(0).max(1).nullable()),
    }),
  ),
  /** Devices that are out of reach, did not answer, or were not asked. */
  others: z.int(),
})
export type Availability = z.infer<typeof availabilitySchema>
