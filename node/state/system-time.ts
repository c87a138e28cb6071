/** The system's time; in the lab, a simulated clock for each machine. */

import { readFileSync } from 'node:fs'

/**
 * The current time. `THYMESH_CLOCK_FILE` names a file with an offset in seconds: the lab's machines share one kernel
 * and its clock, and a test shifts the clock of one of them with it.
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
