/** Lets V8 compile for speed while the daemon works for long, whatever at: shells, relayed streams, bundles. */

import { compilerPace } from './compiler-pace.ts'
import { busyCheckMs, busyCpuMs } from './limits.ts'

export interface BusyWatchInit {
  /** Milliseconds of this process's processor so far. */
  readonly cpuMs: () => number
  readonly hurry: () => () => void
}

export class BusyWatch {
  readonly #init: BusyWatchInit
  #cpuMs: number
  #wasBusy = false
  #end: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(init: BusyWatchInit = { cpuMs, hurry: () => compilerPace.hurry() }) {
    this.#init = init
    this.#cpuMs = init.cpuMs()
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), busyCheckMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#end?.()
    this.#end = undefined
  }

  /** One look. Only what is busy at two looks in a row works for long: joining a mesh takes a few seconds. */
  look(): void {
    const now = this.#init.cpuMs()
    const isBusy = now - this.#cpuMs >= busyCpuMs
    this.#cpuMs = now
    if (isBusy && this.#wasBusy) this.#end ??= this.#init.hurry()
    if (!isBusy) {
      this.#end?.()
      this.#end = undefined
    }
    this.#wasBusy = isBusy
  }
}

/** Of this process. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
