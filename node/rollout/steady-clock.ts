/** A clock that never goes back and goes on where it stopped: for soak times of devices that don't know the time. */

import type { OwnState } from '../state/own-state.ts'

/** A power cut takes back as much; soak times then last that much longer. */
const keepEveryMs = 30_000

export class SteadyClock {
  readonly #own: Pick<OwnState, 'setSteady'>
  readonly #base: number
  readonly #monotonic: () => number
  readonly #start: number
  #kept: number

  private constructor(own: Pick<OwnState, 'setSteady'>, base: number, monotonic: () => number) {
    this.#own = own
    this.#base = base
    this.#kept = base
    this.#monotonic = monotonic
    this.#start = monotonic()
  }

  static async load(
    own: Pick<OwnState, 'steady' | 'setSteady'>,
    monotonic: () => number = () => performance.now(),
  ): Promise<SteadyClock> {
    return new SteadyClock(own, await own.steady(), monotonic)
  }

  /** Milliseconds that this peer has run, over all its starts. */
  get now(): number {
    return Math.floor(this.#base + this.#monotonic() - this.#start)
  }

  get started(): number {
    return this.#base
  }

  /** Keeps it on disk, if that is due. */
  async keep(): Promise<void> {
    const { now } = this
    if (now - this.#kept < keepEveryMs) return
    this.#kept = now
    await this.#own.setSteady(now)
  }
}
