/** What a report says that the one before didn't: what only repeats is in no hurry, but for new heads of logs. */

import { isDeepStrictEqual } from 'node:util'
import { metricsExtensionName } from '../../../protocol/metrics/reported.ts'
import type { DeviceState, Report } from '../../../protocol/report/report.ts'
import { spentName } from '../../../protocol/report/spent-uplink.ts'
import { logHeadName } from '../../../protocol/report/witnessed-log.ts'

/**
 * `repetition`: it has another counter, time and measurements only, and nobody waits for it. `head`: the head of its log is new,
 * too, which witnesses have to see before somebody takes it back. `change`: anything else.
 */
export type Novelty = 'change' | 'head' | 'repetition'

/** Extensions with what is as large as it is at the time of a report. */
const passing: ReadonlySet<string> = new Set([metricsExtensionName, logHeadName])

/** What is new in a report beside the one of the same device before it. */
export function noveltyOf(report: Report, before: Report | undefined): Novelty {
  if (before === undefined || report.counter <= before.counter) return 'change'
  if (!isDeepStrictEqual(lasting(report), lasting(before))) return 'change'
  const heads = [report, before].map(({ extensions }) => extensions?.[logHeadName])
  return isDeepStrictEqual(heads[0], heads[1]) ? 'repetition' : 'head'
}

/** States in which a device switches to another system: another report follows soon, by a deadline. */
const switching: ReadonlySet<DeviceState> = new Set([
  'preflight',
  'activating',
  'testing',
  'probing',
  'confirming',
  'committing',
  'rolling-back',
])

/** Whether a report only tells how far an update is, or that it waits for its turn. Waves go by what others say. */
export function isStep(report: Report, before: Report | undefined): boolean {
  const { state, turn, error } = report
  if (before === undefined || error !== undefined) return false
  if (switching.has(state)) return isDeepStrictEqual(beside(report), beside(before))
  const waits = state === 'waiting' || state === 'fetching' || (state === 'running' && turn?.is === 'waiting')
  return waits && isDeepStrictEqual(resting(report), resting(before))
}

/** What no update changes by itself. */
function beside({ freshness, alarms, renew, extensions = {} }: Report): object {
  const others = Object.entries(extensions).filter(([name]) => !passing.has(name) && name !== spentName)
  return { freshness, alarms, renew, others }
}

/** What stays while a device fetches or waits. Its system is what the last one said, or nothing had been said yet. */
function resting(report: Report): object {
  const { health, running, boots } = report
  return { ...beside(report), health, running, boots }
}

function lasting({ counter: _c, at: _a, extensions = {}, ...others }: Report): object {
  return { ...others, extensions: Object.entries(extensions).filter(([name]) => !passing.has(name)) }
}
