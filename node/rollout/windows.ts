/** Maintenance windows: whether one is open now, and when the next one opens. */

import { Cron } from 'croner'
import type { MaintenanceWindow } from '../../protocol/release/update-policy.ts'

export type WindowState = { readonly open: true } | { readonly open: false; readonly opensAt: Date | undefined }

/**
 * Whether one of the windows is open. No windows are one that is always open; so are they for a device that has no live
 * clock, which would else never update.
 */
export function windowState(windows: readonly MaintenanceWindow[], now: Date | undefined): WindowState {
  if (windows.length === 0 || now === undefined) return { open: true }
  const openings = windows.map(({ cron, timeZone, minutes }) => {
    // The first opening that a window of this length has not yet outlasted.
    return new Cron(cron, { timezone: timeZone ?? 'UTC' }).nextRun(new Date(now.getTime() - minutes * 60_000))
  })
  const times = openings.flatMap(each => each?.getTime() ?? []).sort((a, b) => a - b)
  const [first] = times
  if (first !== undefined && first <= now.getTime()) return { open: true }
  return { open: false, opensAt: first === undefined ? undefined : new Date(first) }
}
