/** The next times of a schedule: of a cron pattern by its zone, of a systemd calendar event as systemd itself counts. */

import { Cron } from 'croner'
import { outputLines } from '../../node/process/limits.ts'
import { runProgram } from '../../node/process/run-program.ts'
import { HintedError } from '../../protocol/errors.ts'
import { isSchedule, isTimeZone } from './schemas.ts'

class ScheduleError extends HintedError<'no-schedule' | 'unknown-times'> {}

export function nextCronRuns(pattern: string, timeZone: string, count: number): string[] {
  if (!isSchedule(pattern) || !isTimeZone(timeZone)) throw notASchedule(`${pattern} ${timeZone}`)
  const cron = new Cron(pattern, { paused: true, timezone: timeZone })
  return cron.nextRuns(count).map(date => date.toISOString())
}

/** Counted in UTC where the event names no zone, as devices do. */
export async function nextCalendarRuns(event: string, count: number): Promise<string[]> {
  const ran = runProgram('systemd-analyze', ['calendar', `--iterations=${count}`, '--', event], {
    ...{ timeoutMs: 10_000, lines: outputLines, env: { PATH: process.env.PATH, TZ: 'UTC', LC_ALL: 'C' } },
  })
  const { code, stdout } = await ran.catch((cause: unknown) => {
    throw new ScheduleError('unknown-times', 'expected systemd-analyze on this machine, which knows the next times', {
      hint: 'Install systemd, or look on the device: systemctl list-timers.',
      cause,
    })
  })
  if (code !== 0) throw notASchedule(event)
  // "Next elapse: Tue 2026-12-01 00:00:00 UTC", then "Iteration #2: …" ("Iter. #2" in older versions).
  const times = [
    ...stdout.matchAll(/^\s*(?:Next elapse|Iter(?:ation|\.) #\d+): \w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC$/gm),
  ]
  return times.map(([, day, time]) => `${day}T${time}.000Z`)
}

function notASchedule(said: string): ScheduleError {
  return new ScheduleError('no-schedule', `expected a schedule that comes again, got ${said}`, {
    hint: 'Such as "0 3 * * 1" for cron, or "Mon..Fri 08:00" for a calendar event of systemd.',
  })
}
