/** The event loop's recent utilisation, which shows whether the processor is the bottleneck. */

import { type EventLoopUtilization, performance } from 'node:perf_hooks'

const intervalMs = 500
let last: EventLoopUtilization = performance.eventLoopUtilization()
let measuredAt = performance.now()
let load = 0

/** The event loop's utilisation over the last half second or more: 0 to 1. */
export function loopLoad(): number {
  if (performance.now() - measuredAt < intervalMs) return load
  const now = performance.eventLoopUtilization()
  load = performance.eventLoopUtilization(now, last).utilization
  last = now
  measuredAt = performance.now()
  return load
}
