/** How soon V8 collects its heap: late while closures move, as the flags of a small idle daemon say at all other times. */

import { setFlagsFromString } from 'node:v8'

/**
 * By how much the heap, buffers counted, may grow from one full collection to the next, in percent. The flags of an idle
 * daemon let it grow by a few megabytes: those are gone in 50 ms of a fetch, and marking the heap takes 60 ms of a core.
 */
const movingPercent = 70
/** V8's own measure. */
const ownPercent = 0

let moving = 0

/** Lets the heap grow until what this returns is called: once for each, in any order. */
export function collectLate(): () => void {
  if (moving++ === 0) setFlagsFromString(`--heap-growing-percent=${movingPercent}`)
  let ended = false
  return () => {
    if (ended) return
    ended = true
    if (--moving === 0) setFlagsFromString(`--heap-growing-percent=${ownPercent}`)
  }
}
