/**
 * Alerts in reports, as extensions: `alerts` are a device's own, `told` what it has sent of any device's, `silences` what
 * operators have told it not to send.
 */

import { z } from 'zod'
import type { Extensions, ExtensionValue } from '../encoding/extensions.ts'
import { bytesSchema, nameSchema } from '../encoding/fields.ts'
import { sha256, toHex } from '../encoding/hash.ts'
import type { Report } from '../report/report.ts'

/** Sizes that leave room in a report for everything else. */
export const maxReportedAlerts = 12
const maxAlertsBytes = 700
const markBytes = 8
export const maxMarks = 48
const maxSilences = 4

/** Seconds since 1970, by the clock of the device. */
const seconds = z
  .int()
  .min(0)
  .max(2 ** 32)

const alertSchema = z.object({
  rule: nameSchema,
  /** When it began; no two of one rule are the same. */
  since: seconds,
  /** When it ended; absent while it lasts. */
  until: seconds.optional(),
  /** The value of the metric, rounded. */
  value: z.int().optional(),
  /** The unit that has failed. */
  unit: z.string().max(80).optional(),
  /** It began and ended so often that only this is told. */
  flaps: z.literal(true).optional(),
})
export type ReportedAlert = z.infer<typeof alertSchema>

const silenceSchema = z.object({
  rule: nameSchema.optional(),
  device: nameSchema.optional(),
  /** An acknowledged alert; the others are silences of whatever comes. */
  since: seconds.optional(),
  until: seconds,
  /** The operator. */
  by: z.string().max(63),
})
export type Silence = z.infer<typeof silenceSchema>

/** The extensions of a device's alerts; the first ones are kept where there is no room for all. */
export function alertExtensions(init: {
  alerts: readonly ReportedAlert[]
  marks: readonly string[]
  silences: readonly Silence[]
}): Extensions {
  let alerts = init.alerts.slice(0, maxReportedAlerts)
  while (JSON.stringify(alerts).length > maxAlertsBytes) alerts = alerts.slice(0, -1)
  const marks = Buffer.from(init.marks.slice(-maxMarks).join(''), 'hex')
  const silences = init.silences.slice(-maxSilences)
  return {
    ...(alerts.length > 0 && { alerts: alerts.map(plain) }),
    ...(marks.length > 0 && { told: new Uint8Array(marks) }),
    ...(silences.length > 0 && { silences: silences.map(plain) }),
  }
}

/** Extensions have no undefined. */
function plain(value: object): ExtensionValue {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as ExtensionValue
}

export function alertsIn({ extensions }: Pick<Report, 'extensions'>): ReportedAlert[] {
  return listed(extensions?.alerts, alertSchema, maxReportedAlerts)
}

export function silencesIn({ extensions }: Pick<Report, 'extensions'>): Silence[] {
  return listed(extensions?.silences, silenceSchema, maxSilences)
}

const marksSchema = bytesSchema(0, markBytes * maxMarks)

/** The marks of what a device has sent, in hex, the oldest first. */
export function marksIn({ extensions }: Pick<Report, 'extensions'>): string[] {
  const told = extensions?.told
  if (told === undefined) return []
  const parsed = marksSchema.safeParse(told)
  if (!parsed.success) return []
  const hex = toHex(parsed.data)
  return Array.from({ length: Math.floor(parsed.data.length / markBytes) }, (_, at) =>
    hex.slice(at * 2 * markBytes, (at + 1) * 2 * markBytes),
  )
}

/** A mark that one phase of an alert was sent to one channel. */
export function markOf(alert: { peer: string; rule: string; since: number; ended: boolean }, channel: string): string {
  const { peer, rule, since, ended } = alert
  const text = JSON.stringify([peer, rule, since, ended ? 'ended' : 'began', channel])
  return toHex(sha256(Buffer.from(text)).subarray(0, markBytes))
}

/** What reads as none of ours is left out, the rest counts. */
function listed<T>(value: unknown, schema: z.ZodType<T>, most: number): T[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, most).flatMap(each => {
    const parsed = schema.safeParse(each)
    return parsed.success ? [parsed.data] : []
  })
}
