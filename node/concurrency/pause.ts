/** Waiting until something happens, or for a time, whichever comes first. */

import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves with `woken`, or after the time if there is one. */
export async function pause(woken: Promise<void>, milliseconds: number | undefined): Promise<void> {
  if (milliseconds === undefined) return await woken
  const timer = new AbortController()
  await Promise.race([woken, sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => {})])
  timer.abort()
}
