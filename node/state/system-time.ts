/** The time that the system's clock shows, or, in the lab, a clock of the machine's own. */

import { readFileSync } from 'node:fs'

/**
 * Now. `THYMESH_CLOCK_FILE` names a file with seconds to add: machines of the lab share one kernel and its clock, and a
 * test moves the clock of one of them by it.
 */
export function systemTime(): Date {
  const file = process.env.THYMESH_CLOCK_FILE
  return file === undefined ? new Date() : new Date(Date.now() + secondsIn(file) * 1000)
}

function secondsIn(file: string): number {
  try {
    const seconds = Number(readFileSync(file, 'utf8'))
    return Number.isFinite(seconds) ? seconds : 0
  } catch {
    return 0
  }
}
