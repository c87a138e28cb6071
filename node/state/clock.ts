/** Time that can be relied on: a floor that only rises, and the system's clock where it is trusted. */

import { clockBehindMs, earliestTime, floorJumpMs } from './limits.ts'
import type { OwnState } from './own.ts'

export type ClockKind = 'system' | 'none'

export interface ClockInit {
  now?: () => Date
  /** When this machine's image was made: surely past, whatever was signed since. */
  imageTime?: Date | undefined
}

export class Clock {
  readonly #own: Pick<OwnState, 'timeFloor' | 'setTimeFloor'>
  readonly #kind: ClockKind
  readonly #now: () => Date
  readonly #imageTime: Date
  #floor: Date

  private constructor(
    own: Pick<OwnState, 'timeFloor' | 'setTimeFloor'>,
    kind: ClockKind,
    floor: Date,
    init: ClockInit,
  ) {
    this.#own = own
    this.#kind = kind
    this.#now = init.now ?? (() => new Date())
    this.#imageTime = init.imageTime ?? new Date(0)
    this.#floor = later(floor, this.#imageTime)
  }

  static async load(
    own: Pick<OwnState, 'timeFloor' | 'setTimeFloor'>,
    kind: ClockKind,
    init: ClockInit = {},
  ): Promise<Clock> {
    return new Clock(own, kind, await own.timeFloor(), init)
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

  /**
   * Raises the floor to a moment that someone authorised has signed. Lower ones change nothing. What lies far ahead is not
   * believed as it stands, since a floor in the future makes all that is signed look expired: one step is bounded, closely
   * where a clock runs that may be right after all.
   */
  async raiseFloor(to: Date): Promise<void> {
    if (!(to > this.#floor)) return
    const bounded = earlier(to, this.#highest)
    this.#floor = bounded
    await this.#own.setTimeFloor(bounded)
  }

  /** Forgets what was signed: those who could sign the time wrongly can't any more (Uptane, when the time key rotates). */
  async resetFloor(): Promise<void> {
    this.#floor = this.#imageTime
    await this.#own.setTimeFloor(this.#imageTime)
  }

  get #highest(): Date {
    const now = this.#now()
    if (this.live && now >= earliestTime) return new Date(now.getTime() + clockBehindMs)
    // The first word about the time is all that there is.
    if (this.#floor.getTime() === 0) return new Date(8.64e15)
    return new Date(this.#floor.getTime() + floorJumpMs)
  }
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}
