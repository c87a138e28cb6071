/** What somebody who helps needs to know of a device: one text, without secrets and addresses. */

import { z } from 'zod'

export const supportSchema = z.object({
  device: z.string(),
  made: z.string(),
  /** To be read by a person before it is given away: what secrets look like is not always known. */
  text: z.string(),
  /** How many different ones were left out. */
  leftOut: z.object({ addresses: z.int(), secrets: z.int(), persons: z.int() }),
  /** Titles of parts that are missing, and why. */
  missing: z.array(z.object({ part: z.string(), reason: z.string() })),
})
export type Support = z.infer<typeof supportSchema>
