/** How soon V8 collects its heap: late while closures move, as the flags of a small idle daemon say at all other times. */

import { setFlagsFromString } from 'node:v8'

/**
 * By how much the heap, buffers counted, may grow from one full collection to the next, in percent. The flags of an idle
 * daemon let it grow by a few megabytes: those are gone in 50 ms of a fetch, and marking the heap takes 60 ms of a core.
 */
const movingPercent = 70
/** V8's own measure. */
const ownPercent = 0

export class HeapPace {
  readonly #setFlags: (flags: string) => void
  #holders = 0

  constructor(setFlags: (flags: string) => void = setFlagsFromString) {
    this.#setFlags = setFlags
  }

  /** Lets the heap grow until what this returns is called: by the last of all who asked. */
  collectLate(): () => void {
    if (this.#holders++ === 0) this.#setPercent(movingPercent)
    let ended = false
    return () => {
      if (ended) return
      ended = true
      if (--this.#holders === 0) this.#setPercent(ownPercent)
    }
  }

  #setPercent(percent: number): void {
    this.#setFlags(`--heap-growing-percent=${percent}`)
  }
}

/** The process has one heap. */
export const heapPace = new HeapPace()
