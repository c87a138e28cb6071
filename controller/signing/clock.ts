/** Whether this machine's clock can be right: a signature dated in the future raises every device's time floor for good. */

import { HintedError } from '../../protocol/errors.ts'
import type { Release } from '../../protocol/release/release.ts'
import { fleetFields } from '../../protocol/trust/fleet.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'

export class ClockError extends HintedError<'clock-behind' | 'clock-ahead'> {}

const dayMs = 86_400_000

/** Clocks that NTP has set differ by less. */
const slackMs = 10 * 60_000
/** A fleet that nobody has signed anything for is rare after this time; a clock that stands wrong is not. */
const aheadDays = 180

/** Throws a ClockError when now is before, or long after, what was signed last. */
export function requirePlausibleClock(trusted: TrustedSet, release: Release, now: Date): void {
  const signed = [release.created, fleetFields(trusted.root).created ?? release.created].map(Date.parse)
  const newest = Math.max(...signed)
  const shown = `${now.toISOString().slice(0, 19)}Z`
  if (now.getTime() < newest - slackMs) {
    throw new ClockError('clock-behind', `this machine's clock says ${shown}, before the fleet's last signature`, {
      hint: 'Set the clock (timedatectl). If the signed date is the wrong one, go on with --trust-clock.',
    })
  }
  if (now.getTime() <= newest + aheadDays * dayMs) return
  throw new ClockError(
    'clock-ahead',
    `this machine's clock says ${shown}, over ${aheadDays} days after the last release`,
    {
      hint: 'Set the clock: no device would ever accept an earlier date again. If it is right, go on with --trust-clock.',
    },
  )
}
