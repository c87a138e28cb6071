/** Maintenance windows: whether one is open, and when the next one opens. */

import { Cron } from 'croner'
import type { MaintenanceWindow } from '../../protocol/release/update-policy.ts'

export type WindowState = { readonly open: true } | { readonly open: false; readonly opensAt: Date | undefined }

/**
 * Whether a window is open. Without any windows, or without a live clock, they count as open; otherwise such a device
 * would never update.
 */
export function windowState(windows: readonly MaintenanceWindow[], now: Date | undefined): WindowState {
  if (windows.length === 0 || now === undefined) return { open: true }
  const openings = windows.map(({ cron, timeZone, minutes }) => {
    // The first opening after which a window of this length is still open.
    return new Cron(cron, { timezone: timeZone ?? 'UTC' }).nextRun(new Date(now.getTime() - minutes * 60_000))
  })
  const times = openings.flatMap(each => each?.getTime() ?? []).sort((a, b) => a - b)
  const [first] = times
  if (first !== undefined && first <= now.getTime()) return { open: true }
  return { open: false, opensAt: first === undefined ? undefined : new Date(first) }
}
