/** How soon V8 collects its heap: late while closures move, as the flags of a small idle daemon say at all other times. */

import { setFlagsFromString } from 'node:v8'

/**
 * By how much the heap, buffers counted, may grow from one full collection to the next while closures move. With the flags of an
 * idle daemon it is a few megabytes: those are gone in 50 ms of a fetch, and marking the heap takes 60 ms of a core.
 *
 * V8 reads this flag on the main thread, at the end of a collection. Flags that markers in other threads read, such as those
 * for throwing away code, must not be set here: changed while they mark, they end the process.
 */
const moving = '--heap-growing-percent=60'
/** V8's own measure. */
const ownMeasure = '--heap-growing-percent=0'

export class HeapPace {
  readonly #setFlag: (flag: string) => void
  #holders = 0

  constructor(setFlag: (flag: string) => void = setFlagsFromString) {
    this.#setFlag = setFlag
  }

  /** Lets the heap grow until what this returns is called: by the last of all who asked. */
  collectLate(): () => void {
    if (this.#holders++ === 0) this.#setFlag(moving)
    let ended = false
    return () => {
      if (ended) return
      ended = true
      if (--this.#holders === 0) this.#setFlag(ownMeasure)
    }
  }
}

/** The process has one heap. */
export const heapPace = new HeapPace()
