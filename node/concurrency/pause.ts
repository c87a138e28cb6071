/** Waiting until something happens, or for a time, whichever comes first. */

import { setTimeout as sleep } from 'node:timers/promises'

/** Settles with `woken`, or resolves after `milliseconds` if given. Leaves no timer behind. */
export async function pause(woken: Promise<unknown>, milliseconds: number | undefined): Promise<void> {
  const timer = new AbortController()
  const waits = [woken]
  if (milliseconds !== undefined) waits.push(sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => {}))
  try {
    await Promise.race(waits)
  } finally {
    timer.abort()
  }
}
