/**
 * Collects garbage when the daemon is idle. V8 collects only as it allocates, and an idle daemon hardly allocates, so
 * garbage from joining a mesh or from an update would stay for days.
 */

import { cpuMs } from './busy-watch.ts'
import { idleCheckMs, idleCpuMs, idleGarbageBytes } from './limits.ts'

/** This process, as far as it matters here. */
export interface IdleProcess {
  /** Milliseconds of CPU so far. */
  cpuMs(): number
  /** Bytes in V8's heap and in buffers. */
  usedBytes(): number
  /** Collects all that can be. Nothing where Node runs without `--expose-gc`. */
  collect: (() => void) | undefined
}

export class IdleCollector {
  readonly #process: IdleProcess
  #cpuMs = 0
  /** The bytes that the last collection left. */
  #usedBytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(process: IdleProcess = thisProcess) {
    this.#process = process
  }

  start(): void {
    this.#cpuMs = this.#process.cpuMs()
    this.#timer = setInterval(() => this.look(), idleCheckMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** One look: collects when little was done since the last one and enough may be garbage. */
  look(): void {
    const { collect } = this.#process
    const cpuMs = this.#process.cpuMs()
    const isIdle = cpuMs - this.#cpuMs <= idleCpuMs
    this.#cpuMs = cpuMs
    if (!isIdle || collect === undefined || this.#process.usedBytes() - this.#usedBytes < idleGarbageBytes) return
    collect()
    this.#usedBytes = this.#process.usedBytes()
    this.#cpuMs = this.#process.cpuMs()
  }
}

const thisProcess: IdleProcess = {
  cpuMs,
  usedBytes: () => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
  // All rounds that find something: what one frees lets the next free more.
  collect: globalThis.gc && (() => globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })),
}
