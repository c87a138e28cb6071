/** What reboots a device and what restarts a unit on it, for the command line and the page alike. */

import { HintedError } from '../../protocol/errors.ts'

/**
 * Prints the ID of the boot that ends, then reboots a moment later: the session has ended by then, and says so itself.
 */
export const rebootCommand =
  'cat /proc/sys/kernel/random/boot_id && exec systemd-run --quiet --collect --on-active=2 systemctl reboot'

/** What systemd(1) allows in names of units. */
const unitPattern = /^[A-Za-z0-9:_.\\@-]{1,255}$/

/** The whole name of a unit: a word without a dot is a service. Throws a HintedError for what is no name. */
export function unitNamed(unit: string): string {
  if (!unitPattern.test(unit) || unit.startsWith('-')) {
    throw new HintedError('invalid-unit', `expected the name of a unit, got ${JSON.stringify(unit)}`, {
      hint: 'Such as kiosk.service; `thymesh device NAME` names units that failed.',
    })
  }
  return unit.includes('.') ? unit : `${unit}.service`
}

/** Of a unit's whole name. It ends with systemctl's code; a unit that fails right away is told by is-active. */
export function restartCommand(name: string): string {
  return `systemctl restart -- '${name}' && systemctl is-active -- '${name}'`
}
