/** The extension of a report that says how many bytes a device has fetched over its site's uplink today. */

import { z } from 'zod'
import type { Extensions } from '../encoding/extensions.ts'
import { limits } from '../limits.ts'
import type { Report } from './report.ts'

/** Its name in reports. */
export const spentName = 'uplink'

const spentSchema = z.strictObject({
  /** The day of UTC by the device's clock, such as 2026-01-31. */
  day: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  bytes: z.int().min(0).max(limits.narSize),
  /** What it may reach until its next report: nobody else may use that. */
  holds: z.int().min(0).max(limits.narSize),
})
export type SpentUplink = z.infer<typeof spentSchema>

export function spentExtension(spent: SpentUplink): Extensions {
  return { [spentName]: { ...spent } }
}

/** What a report says; undefined if it says nothing, or in a form that is not known. */
export function spentIn({ extensions }: Pick<Report, 'extensions'>): SpentUplink | undefined {
  return spentSchema.safeParse(extensions?.[spentName]).data
}

/** The day of UTC of a time. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10)
}
