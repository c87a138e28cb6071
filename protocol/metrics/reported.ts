/** The extension of a report with a few measurements of its device, at the time of the report. */

import { z } from 'zod'
import type { Extensions } from '../encoding/extensions.ts'
import type { Report } from '../report/report.ts'
import type { Sample, SeriesName } from './series.ts'

/** Its name. */
export const metricsExtensionName = 'metrics'

/** The series in a report, each times a factor: extensions have whole numbers only. */
const factors = {
  cpu: 1,
  memory: 1,
  disk: 1,
  wear: 1,
  temperature: 10,
  'under-voltage': 1,
  load: 100,
  'failed-units': 1,
  uptime: 1,
} as const satisfies { [Name in SeriesName]?: number }
type ReportedSeries = keyof typeof factors

const reportedSchema = z.record(z.string().max(32), z.int()).refine(value => Object.keys(value).length <= 32)

/** What a report says of a sample: about 100 bytes. */
export function metricsExtension(sample: Sample): Extensions {
  const values = Object.entries(factors).flatMap(([series, factor]) => {
    const value = sample[series as ReportedSeries]
    return value === undefined || !Number.isFinite(value) ? [] : [[series, Math.round(value * factor) + 0] as const]
  })
  return values.length === 0 ? {} : { [metricsExtensionName]: Object.fromEntries(values) }
}

/** The measurements of a report; empty for those of the version before, and where it is none of ours. */
export function reportedMetrics({ extensions }: Pick<Report, 'extensions'>): Sample {
  const parsed = reportedSchema.safeParse(extensions?.[metricsExtensionName])
  if (!parsed.success) return {}
  const values = Object.entries(factors).flatMap(([series, factor]) => {
    const value = parsed.data[series]
    return value === undefined ? [] : [[series, value / factor] as const]
  })
  return Object.fromEntries(values)
}
