/** Time that can be relied on: a floor that only rises, and the system's clock where it is trusted. */

import type { OwnState } from './own.ts'

export type ClockKind = 'system' | 'none'

export class Clock {
  readonly #own: OwnState
  readonly #kind: ClockKind
  readonly #now: () => Date
  #floor: Date

  private constructor(own: OwnState, kind: ClockKind, floor: Date, now: () => Date) {
    this.#own = own
    this.#kind = kind
    this.#floor = floor
    this.#now = now
  }

  static async load(own: OwnState, kind: ClockKind, now: () => Date = () => new Date()): Promise<Clock> {
    return new Clock(own, kind, await own.timeFloor(), now)
  }

  /** Whether the system's clock is trusted, and not obviously wrong: before a moment that is known to be past. */
  get live(): boolean {
    return this.#kind === 'system' && this.#now() >= this.#floor
  }

  /** The latest moment that is surely past: expiry is judged by it. */
  get reference(): Date {
    return this.live ? this.#now() : this.#floor
  }

  /** The current time, or nothing when nobody knows. */
  get now(): Date | undefined {
    return this.live ? this.#now() : undefined
  }

  /** Raises the floor to a moment that someone authorised has signed. Lower ones change nothing. */
  async raiseFloor(to: Date): Promise<void> {
    if (!(to > this.#floor)) return
    this.#floor = to
    await this.#own.setTimeFloor(to)
  }
}
