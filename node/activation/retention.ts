/** Which generations may go, and when a sweep is due: pure. */

import { Cron } from 'croner'
import type { UpdatePolicy } from '../../protocol/release/update-policy.ts'
import type { Generation } from '../store/local/generations.ts'

const dayMs = 86_400_000

/**
 * Generations that nothing keeps: not among the newest, older than the days, not the profile's own, and none that runs,
 * boots or may be rolled back to (`needed`, by top level).
 */
export function expiredGenerations(
  generations: readonly Generation[],
  keep: UpdatePolicy['keep'],
  needed: ReadonlySet<string>,
  now: Date,
): Generation[] {
  const newest = new Set([...generations].sort((a, b) => b.number - a.number).slice(0, keep.generations))
  const oldest = now.getTime() - keep.days * dayMs
  return generations.filter(
    each => !newest.has(each) && !each.current && !needed.has(each.path) && each.made.getTime() < oldest,
  )
}

/** Whether a time of the schedule has passed since the last sweep; also one that was slept through. */
export function isSweepDue(schedule: UpdatePolicy['gc'], last: Date, now: Date): boolean {
  if (schedule === false) return false
  try {
    const next = new Cron(schedule.cron, { timezone: schedule.timeZone, paused: true }).nextRun(last)
    return next !== null && next <= now
  } catch {
    // A time zone that this machine doesn't know: better swept by UTC than never.
    return schedule.timeZone !== 'UTC' && isSweepDue({ ...schedule, timeZone: 'UTC' }, last, now)
  }
}
