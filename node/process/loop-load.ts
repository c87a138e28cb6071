/** How busy this process's event loop was lately: whether the processor is scarce. */

import { type EventLoopUtilization, performance } from 'node:perf_hooks'

const intervalMs = 500
let last: EventLoopUtilization = performance.eventLoopUtilization()
let measuredAt = performance.now()
let load = 0

/** Share of the last half second or more in which the event loop was busy: 0 to 1. */
export function loopLoad(): number {
  if (performance.now() - measuredAt < intervalMs) return load
  const now = performance.eventLoopUtilization()
  load = performance.eventLoopUtilization(now, last).utilization
  last = now
  measuredAt = performance.now()
  return load
}
