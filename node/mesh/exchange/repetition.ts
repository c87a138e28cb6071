/** What a report says that the one before didn't: what only repeats is in no hurry, but for new heads of logs. */

import { isDeepStrictEqual } from 'node:util'
import { metricsExtensionName } from '../../../protocol/metrics/reported.ts'
import type { Report } from '../../../protocol/report/report.ts'
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

function lasting({ counter: _c, at: _a, extensions = {}, ...others }: Report): object {
  return { ...others, extensions: Object.entries(extensions).filter(([name]) => !passing.has(name)) }
}
