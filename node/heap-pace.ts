/** How soon V8 collects its heap: late while closures move, as the flags of a small idle daemon say at all other times. */

import { setFlagsFromString } from 'node:v8'

/**
 * While closures move. An idle daemon's heap may grow by a few megabytes from one full collection to the next, buffers counted:
 * those are gone in 50 ms of a fetch, and marking the heap takes 60 ms of a core. Here it is 60 %. Code that one collection
 * finds unused is thrown away in an idle daemon, to be compiled again a moment later in a busy one: here six do, as by default.
 */
const moving = ['--heap-growing-percent=60', '--bytecode-old-age=6', '--no-flush-baseline-code']

/** As the process was started. */
const asStarted = [
  '--heap-growing-percent=0',
  ...process.execArgv.filter(flag => /^--(heap-growing-percent|bytecode-old-age|flush-baseline-code)\b/.test(flag)),
]

export class HeapPace {
  readonly #setFlag: (flag: string) => void
  readonly #atRest: readonly string[]
  #holders = 0

  constructor(setFlag: (flag: string) => void = setFlagsFromString, atRest: readonly string[] = asStarted) {
    this.#setFlag = setFlag
    this.#atRest = atRest
  }

  /** Lets the heap grow until what this returns is called: by the last of all who asked. */
  collectLate(): () => void {
    if (this.#holders++ === 0) for (const flag of moving) this.#setFlag(flag)
    let ended = false
    return () => {
      if (ended) return
      ended = true
      if (--this.#holders === 0) for (const flag of this.#atRest) this.#setFlag(flag)
    }
  }
}

/** The process has one heap. */
export const heapPace = new HeapPace()
