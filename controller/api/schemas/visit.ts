/** The answer of `thymesh visit`: the devices of a site beside the newest release, and whether a visitor may leave. */

import { z } from 'zod'
import { deviceStatusSchema } from './status.ts'

const visitedSchema = deviceStatusSchema.extend({
  /** Connected to this controller now. */
  here: z.boolean(),
  /** Its report speaks of the newest release that counts for it, or it is connected: the site can bring it the rest. */
  seen: z.boolean(),
  /** It has all of what it should run, whether that runs already or not. */
  hasAll: z.boolean(),
  /** It runs that, or has failed to for good. */
  ended: z.boolean(),
})
export type Visited = z.infer<typeof visitedSchema>

export const visitSchema = z.object({
  /** The sites; null for devices that have none. */
  sites: z.array(z.string().nullable()),
  /** The fleet's newest release. */
  release: z.int().nullable(),
  devices: z.array(visitedSchema),
  /** Devices from which the others get all of what they should run. */
  holders: z.array(z.string()),
  /** Configs that no device of the site has all of, though one should run it. */
  missing: z.array(z.string()),
  /** Devices that were not seen. */
  unseen: z.array(z.string()),
  /** Whether the site goes on without this controller. */
  mayLeave: z.boolean(),
  /** Whether all devices have ended with the release. */
  complete: z.boolean(),
})
export type Visit = z.infer<typeof visitSchema>
