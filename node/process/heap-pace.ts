/** Lets V8 collect garbage less often and compile for speed while closures are moving; otherwise the flags for a small idle daemon apply. */

import { setFlagsFromString } from 'node:v8'
import { compilerPace } from './compiler-pace.ts'

/**
 * Growth of the heap, including buffers, between full collections while closures are moving. With the flags of an
 * idle daemon it is a few megabytes, which a fetch allocates in 50 ms, and marking the heap takes 60 ms of a core.
 *
 * V8 reads this flag on the main thread, at the end of a collection. Flags that concurrent markers read, such as
 * those for flushing code, must not be set here: changing them during marking crashes the process.
 */
const moving = '--heap-growing-percent=60'
/** V8's default. */
const ownMeasure = '--heap-growing-percent=0'

export class HeapPace {
  readonly #setFlag: (flag: string) => void
  #holders = 0

  constructor(setFlag: (flag: string) => void = setFlagsFromString) {
    this.#setFlag = setFlag
  }

  /** Lets the heap grow until every caller has called the returned function. */
  collectLate(): () => void {
    const endHurry = compilerPace.hurry()
    if (this.#holders++ === 0) this.#setFlag(moving)
    let ended = false
    return () => {
      if (ended) return
      ended = true
      endHurry()
      if (--this.#holders === 0) this.#setFlag(ownMeasure)
    }
  }
}

/** The process has one heap. */
export const heapPace = new HeapPace()
