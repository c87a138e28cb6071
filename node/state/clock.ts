/** Time that can be relied on: a floor that only rises, and the system's clock where it is trusted. */

import { clockBehindMs, earliestTime, floorJumpMs } from './limits.ts'
import type { OwnState } from './own-state.ts'

export type ClockKind = 'system' | 'none'

/** Where the clock keeps what it must know after a restart. */
export type ClockState = Pick<OwnState, 'timeFloor' | 'setTimeFloor' | 'timeAnchor' | 'setTimeAnchor'>

export interface ClockInit {
  now?: () => Date
  /** When this machine's image was made: surely past, whatever was signed since. */
  imageTime?: Date | undefined
}

export class Clock {
  readonly #own: ClockState
  readonly #kind: ClockKind
  readonly #now: () => Date
  readonly #imageTime: Date
  #floor: Date
  /** The last moment at which a trusted clock ran while something was signed; what is signed lifts the floor so far beyond it. */
  #anchor: Date | undefined

  private constructor(
    own: ClockState,
    kind: ClockKind,
    kept: { floor: Date; anchor: Date | undefined },
    init: ClockInit,
  ) {
    this.#own = own
    this.#kind = kind
    this.#now = init.now ?? (() => new Date())
    this.#imageTime = init.imageTime ?? new Date(0)
    this.#floor = later(kept.floor, this.#imageTime)
    this.#anchor = kept.anchor
  }

  static async load(own: ClockState, kind: ClockKind, init: ClockInit = {}): Promise<Clock> {
    return new Clock(own, kind, { floor: await own.timeFloor(), anchor: await own.timeAnchor() }, init)
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
   * believed as it stands, since a floor in the future makes all that is signed look expired. All steps together are bounded
   * from the last moment of a trusted clock, closely where a clock runs that may be right after all. A floor that is too low
   * refuses nothing that is honest.
   */
  async raiseFloor(to: Date): Promise<void> {
    if (!(to > this.#floor)) return
    if (this.live && this.#runs) {
      this.#anchor = this.#now()
      await this.#own.setTimeAnchor(this.#anchor)
    }
    const bounded = earlier(to, this.#highest)
    if (!(bounded > this.#floor)) return
    this.#floor = bounded
    await this.#own.setTimeFloor(bounded)
  }

  /** Forgets what was signed: those who could sign the time wrongly can't any more (Uptane, when the time key rotates). */
  async resetFloor(): Promise<void> {
    this.#floor = this.#imageTime
    await this.#own.setTimeFloor(this.#imageTime)
  }

  /** Whether a clock runs at all: one that a battery or the network has set. It may be behind the floor. */
  get #runs(): boolean {
    return this.#kind === 'system' && this.#now() >= earliestTime
  }

  get #highest(): Date {
    if (this.#anchor !== undefined) {
      return new Date(this.#anchor.getTime() + (this.#runs ? clockBehindMs : floorJumpMs))
    }
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
