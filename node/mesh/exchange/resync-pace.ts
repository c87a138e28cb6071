/** How long a peer waits before it repeats sync with a random neighbour, the longer the more the last ones cost. */

import { resyncBytesPerSecond, resyncIntervalMs, resyncLastMs } from '../limits.ts'

/** Milliseconds, by the bytes that comparing has cost since the last repeated sync. */
export function resyncPauseMs(comparedBytes: number): number {
  const paidMs = (comparedBytes / resyncBytesPerSecond) * 1000
  return Math.min(resyncLastMs, Math.max(resyncIntervalMs, paidMs))
}
