/** Whether a rule's condition holds on a device, by what it knows of itself. */

import { type Condition, spanSeconds } from '../../protocol/alerts/rules.ts'
import type { Sample } from '../../protocol/metrics/series.ts'
import type { Report } from '../../protocol/report/report.ts'

/** What a device knows of itself now. */
export interface Facts {
  /** Undefined where nothing was measured lately. */
  readonly sample: Sample | undefined
  /** Undefined where nobody knows them. */
  readonly failedUnits: readonly string[] | undefined
  readonly report: Pick<Report, 'state' | 'freshness' | 'turn' | 'alarms'> | undefined
  /** When its certificate ends, and the time; milliseconds since 1970. */
  readonly certificateEnds: number
  readonly now: number | undefined
}

export interface Finding {
  /** Undefined where nobody knows. */
  readonly holds: boolean | undefined
  readonly value?: number
  readonly unit?: string
}

/** `lasts`: the alert has begun already, so that the bound of its end counts. */
export function find(condition: Condition, facts: Facts, lasts: boolean): Finding {
  const { sample, report } = facts
  if ('metric' in condition || 'wear' in condition) {
    const { metric, above, below, clear } =
      'wear' in condition
        ? { metric: 'wear' as const, above: condition.wear - 1, below: undefined, clear: undefined }
        : condition
    const value = sample?.[metric]
    if (value === undefined) return { holds: undefined }
    const bound = lasts ? (clear ?? above ?? below ?? 0) : (above ?? below ?? 0)
    return { holds: above === undefined ? value < bound : value > bound, value: Math.round(value) }
  }
  if ('unit' in condition) {
    const { failedUnits } = facts
    if (failedUnits === undefined) return { holds: undefined }
    const failed = condition.unit === '*' ? failedUnits[0] : failedUnits.find(unit => unit === condition.unit)
    return { holds: failed !== undefined, ...(failed !== undefined && { unit: failed.slice(0, 80) }) }
  }
  if ('certificate' in condition) {
    if (facts.now === undefined) return { holds: undefined }
    return { holds: facts.certificateEnds - facts.now < spanSeconds(condition.certificate) * 1000 }
  }
  // Others look at it.
  if ('absent' in condition || report === undefined) return { holds: undefined }
  if ('state' in condition) return { holds: report.state === condition.state }
  if ('freshness' in condition) return { holds: report.freshness === condition.freshness }
  if ('held' in condition) return { holds: report.turn?.is === 'held' }
  const kind = 'clone' in condition ? 'clone' : 'equivocation'
  return { holds: report.alarms?.some(alarm => alarm.kind === kind) === true }
}

/** How long a condition must last, in milliseconds. */
export function forMs(condition: Condition): number {
  return 'for' in condition && condition.for !== undefined ? spanSeconds(condition.for) * 1000 : 0
}
