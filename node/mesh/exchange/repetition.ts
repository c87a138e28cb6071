/** Whether a report only repeats the one before: such reports are in no hurry. */

import { isDeepStrictEqual } from 'node:util'
import { metricsExtensionName } from '../../../protocol/metrics/reported.ts'
import type { Report } from '../../../protocol/report/report.ts'
import { logHeadName } from '../../../protocol/report/witnessed-log.ts'

/** Extensions with what is as large as it is at the time of a report: nobody waits for it. */
const passing: ReadonlySet<string> = new Set([metricsExtensionName, logHeadName])

/** Whether a newer report of the same device says the same as the one before, but for its counter, time and measurements. */
export function isRepetition(report: Report, before: Report | undefined): boolean {
  return before !== undefined && report.counter > before.counter && isDeepStrictEqual(lasting(report), lasting(before))
}

function lasting({ counter: _c, at: _a, extensions = {}, ...others }: Report): object {
  return { ...others, extensions: Object.entries(extensions).filter(([name]) => !passing.has(name)) }
}
