/**
 * The extension of a report whose device waits with an update because that reboots it. For peers of the version before it waits
 * with its turn, as for a maintenance window.
 */

import type { Extensions } from '../encoding/extensions.ts'
import type { Report } from './report.ts'

const name = 'awaiting-reboot'
const maxReason = 300

/** The extension, with what only a boot brings; none for a device that doesn't wait. */
export function awaitingReboot(reason: string | undefined): Extensions {
  return reason === undefined ? {} : { [name]: reason.slice(0, maxReason) }
}

/** Why a device will reboot for the update that it waits with. */
export function awaitsReboot({ extensions }: Pick<Report, 'extensions'>): string | undefined {
  const reason = extensions?.[name]
  return typeof reason === 'string' ? reason.slice(0, maxReason) : undefined
}
