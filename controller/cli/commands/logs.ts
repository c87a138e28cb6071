/** `thymesh logs`: a device's journal or those of many, or the log of the activation that failed last, over the mesh. */

import { setTimeout as sleep } from 'node:timers/promises'
import { timeText, unitNameSchema } from '../../../protocol/encoding/fields.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import type { SearchedLogs } from '../../api/schemas/device.ts'
import { errorJson } from '../../format/error-json.ts'
import { linesWith, mayBeCut, timeOf } from '../../format/log-lines.ts'
import { writeText } from '../../format/terminal.ts'
import type { LogsOptions as LogsQuestion } from '../../queries/logs.ts'
import { logsText, searchedText } from '../../views/logs.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { chosenDevices } from '../shell/chosen-devices.ts'
import { untilLeft } from '../shell/leaving.ts'
import { followMs, newsSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface LogsOptions extends ProjectOptions {
  device?: string
  on: string[]
  grep?: string
  unit?: string
  lines: number
  since?: Date
  activation: boolean
  follow: boolean
  parallel: number
  wait: number
}

export async function logs(options: LogsOptions): Promise<number | undefined> {
  const { device, on, lines, since, activation, grep, wait } = options
  if ((device === undefined) === (on.length === 0)) {
    throw new HintedError('no-device', 'expected either the name of a device or --on, got both or neither', {
      hint: 'For example: thymesh logs kiosk-1, or: thymesh logs --on tag:kiosk --grep error --since 1h',
    })
  }
  const unit = options.unit === undefined ? undefined : fullUnit(options.unit)
  const about = {
    ...{ lines: grep === undefined ? lines : limits.logLines, activation, wait },
    ...(unit !== undefined && { unit }),
    ...(since && { since: timeText(since) }),
  }
  return await withAccess(options, async access => {
    if (device === undefined) return await searchMany(access, about, options)
    const question: LogsQuestion = { ...about, device }
    const answer = await access.ask('logs', question, Math.min(newsSeconds, wait))
    const found = linesWith(answer.lines, grep).slice(-lines)
    print(options, { ...answer, lines: found }, logsText({ lines: found }))
    if (options.follow && !options.json && !activation) await follow(access, question, answer.lines, grep)
    return undefined
  })
}

/** The journals of many devices, some at a time: lines in the order of their times, and who was not reached. */
async function searchMany(access: Access, about: Omit<LogsQuestion, 'device'>, options: LogsOptions): Promise<number> {
  if (options.follow) {
    throw new HintedError('not-with-many', 'expected --follow with one device, got --on', {
      hint: 'Name the device: `thymesh logs NAME --follow`. Or leave out --follow.',
    })
  }
  const { devices } = await access.ask('status', {}, newsSeconds)
  const names = [...new Set(chosenDevices(devices, options.on).map(({ device }) => device))]
  const results: SearchedLogs['devices'] = []
  await untilLeft(async left => {
    const queue = names.entries()
    const worker = async () => {
      for (const [at, device] of queue) results[at] = await searchOne(access, { ...about, device }, options, left)
    }
    await Promise.all(Array.from({ length: options.parallel }, worker))
  })
  print(options, { devices: results }, searchedText({ devices: results }))
  return results.every(({ state }) => state === 'read') ? exitCodes.done : exitCodes.failed
}

async function searchOne(
  access: Access,
  about: LogsQuestion,
  { grep, lines }: LogsOptions,
  left: AbortSignal,
): Promise<SearchedLogs['devices'][number]> {
  const { device } = about
  const none = { device, lines: [], cut: false, state: 'unreached' as const }
  if (left.aborted) return { ...none, reason: 'you left' }
  try {
    const answer = await access.ask('logs', about, 0)
    const cut = grep !== undefined && mayBeCut(answer.lines)
    return { device, state: 'read', reason: null, lines: linesWith(answer.lines, grep).slice(-lines), cut }
  } catch (thrown) {
    return { ...none, reason: errorJson(thrown).message }
  }
}

/** Prints what is new, until the operator leaves. Lines are dated to the second: those of the last one are asked for again. */
async function follow(
  access: Access,
  about: LogsQuestion,
  printed: readonly string[],
  grep: string | undefined,
): Promise<void> {
  let last = printed
  await untilLeft(async left => {
    for (;;) {
      await sleep(followMs, undefined, { signal: left }).catch(() => {})
      if (left.aborted) return
      const newest = last.findLast(line => timeOf(line) !== undefined)
      const time = newest === undefined ? undefined : timeOf(newest)
      const since = time === undefined ? about.since : timeText(new Date(time))
      const { lines } = await access.ask('logs', { ...about, lines: limits.logLines, ...(since && { since }) }, 0)
      const known = new Set(last)
      const fresh = linesWith(lines, grep).filter(line => !known.has(line))
      if (fresh.length > 0) writeText('stdout', logsText({ lines: fresh }))
      if (lines.length > 0) last = lines
    }
  })
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
