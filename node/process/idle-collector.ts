/**
 * Gives memory back when the daemon rests. V8 collects as it allocates: what joining a mesh or an update has left would stay
 * for days, since an idle daemon allocates next to nothing.
 */

import { restCheckMs, restCpuMs, restGarbageBytes } from './limits.ts'

/** This process, as far as it matters here. */
export interface Resting {
  /** Milliseconds of CPU so far. */
  cpuMs(): number
  /** Bytes in V8's heap and in buffers. */
  usedBytes(): number
  /** Collects all that can be. Nothing where Node runs without `--expose-gc`. */
  collect: (() => void) | undefined
}

export class Rest {
  readonly #process: Resting
  #cpuMs = 0
  /** What was left by the last collection. */
  #usedBytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(process: Resting = thisProcess) {
    this.#process = process
  }

  start(): void {
    this.#cpuMs = this.#process.cpuMs()
    this.#timer = setInterval(() => this.look(), restCheckMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** One look: collects when little was done since the last one and enough may be garbage. */
  look(): void {
    const { collect } = this.#process
    const cpuMs = this.#process.cpuMs()
    const rests = cpuMs - this.#cpuMs <= restCpuMs
    this.#cpuMs = cpuMs
    if (!rests || collect === undefined || this.#process.usedBytes() - this.#usedBytes < restGarbageBytes) return
    collect()
    this.#usedBytes = this.#process.usedBytes()
    this.#cpuMs = this.#process.cpuMs()
  }
}

const thisProcess: Resting = {
  cpuMs: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  usedBytes: () => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
  // All rounds that find something: what one frees lets the next free more.
  collect: globalThis.gc && (() => globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })),
}
