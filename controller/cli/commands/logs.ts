/** `thymesh logs`: a device's journal, or the log of the activation that failed last, over the mesh. */

import { setTimeout as sleep } from 'node:timers/promises'
import { timeText, unitNameSchema } from '../../../protocol/encoding/fields.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { writeText } from '../../format/terminal.ts'
import type { LogsOptions as LogsQuestion } from '../../queries/logs.ts'
import { logsText } from '../../views/logs.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { untilLeft } from '../shell/leaving.ts'
import { followMs, newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface LogsOptions extends ProjectOptions {
  device: string
  unit?: string
  lines: number
  since?: Date
  activation: boolean
  follow: boolean
  wait: number
}

export async function logs(options: LogsOptions): Promise<undefined> {
  const { device, lines, since, activation, wait } = options
  const unit = options.unit === undefined ? undefined : fullUnit(options.unit)
  const about: LogsQuestion = {
    ...{ device, lines, activation, wait },
    ...(unit !== undefined && { unit }),
    ...(since && { since: timeText(since) }),
  }
  return await withAccess(options, async access => {
    const answer = await access.ask('logs', about, Math.min(newsSeconds, wait))
    print(options, answer, logsText(answer))
    if (options.follow && !options.json && !activation) await follow(access, about, answer.lines)
    return undefined
  })
}

/** Prints what is new, until the operator leaves. Lines are dated to the second: those of the last one are asked for again. */
async function follow(access: Access, about: LogsQuestion, printed: readonly string[]): Promise<void> {
  let last = printed
  await untilLeft(async left => {
    for (;;) {
      await sleep(followMs, undefined, { signal: left }).catch(() => {})
      if (left.aborted) return
      const newest = last.findLast(line => timeOf(line) !== undefined)
      const since = (newest && timeOf(newest)) ?? about.since
      const { lines } = await access.ask('logs', { ...about, lines: limits.logLines, ...(since && { since }) }, 0)
      const known = new Set(last)
      const fresh = lines.filter(line => !known.has(line))
      if (fresh.length > 0) writeText('stdout', logsText({ lines: fresh }))
      if (lines.length > 0) last = lines
    }
  })
}

/** When a line was written, as `short-iso` has it. */
function timeOf(line: string): string | undefined {
  const date = new Date(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{4}/.exec(line)?.[0].replace(/(\d\d)$/, ':$1') ?? '')
  return Number.isNaN(date.getTime()) ? undefined : timeText(date)
}

/** The unit's full name: without a type it is a service. */
function fullUnit(unit: string): string {
  const name = unit.includes('.') ? unit : `${unit}.service`
  if (unitNameSchema.safeParse(name).success) return name
  throw new HintedError(
    'invalid-unit',
    `expected the name of a unit such as web.service, got ${JSON.stringify(unit)}`,
    {
      hint: 'Name the unit as `systemctl` on the device does.',
    },
  )
}
