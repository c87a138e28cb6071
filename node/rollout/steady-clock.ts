/**
 * A persistent monotonic clock that continues across restarts: measures soak times on devices without the time of
 * day.
 */

import type { OwnState } from '../state/own-state.ts'

/** A power cut loses at most this much; soak times then last longer by it. */
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

  /** Milliseconds that this peer has run, over all starts. */
  get now(): number {
    return Math.floor(this.#base + this.#monotonic() - this.#start)
  }

  get started(): number {
    return this.#base
  }

  /** Writes it to disk if that is due. */
  async keep(): Promise<void> {
    const { now } = this
    if (now - this.#kept < keepEveryMs) return
    this.#kept = now
    await this.#own.setSteady(now)
  }
}
