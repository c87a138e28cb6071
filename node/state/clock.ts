/** Reliable time: a floor that only rises, and the system's clock where it is trusted. */

import { clockBehindMs, earliestTime, floorJumpMs } from './limits.ts'
import type { OwnState } from './own-state.ts'

export type ClockKind = 'system' | 'none'

/** Where the clock stores what it must know after a restart. */
export type ClockState = Pick<OwnState, 'timeFloor' | 'setTimeFloor' | 'timeAnchor' | 'setTimeAnchor'>

export interface ClockInit {
  now?: () => Date
  /** When this machine's image was built, which has certainly passed. */
  imageTime?: Date | undefined
}

export class Clock {
  readonly #own: ClockState
  readonly #kind: ClockKind
  readonly #now: () => Date
  readonly #imageTime: Date
  #floor: Date
  /**
   * The last time of a running trusted clock when the floor rose; signed documents raise the floor only so far beyond
   * it.
   */
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

  /** Whether the system's clock is trusted and not earlier than a time that has certainly passed. */
  get live(): boolean {
    return this.#kind === 'system' && this.#now() >= this.#floor
  }

  /** The latest time that has certainly passed; expiry is checked against it. */
  get reference(): Date {
    return this.live ? this.#now() : this.#floor
  }

  /** The current time; undefined without a live clock. */
  get now(): Date | undefined {
    return this.live ? this.#now() : undefined
  }

  /**
   * Raises the floor to a time in a document signed by an authorised key; lower ones are ignored. All steps together
   * are limited from the last time of a trusted clock, tightly if a running clock may be right: with a floor in the
   * future, everything signed would look expired. A floor that is too low rejects nothing honest.
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

  /**
   * Resets the floor: keys that may have signed a wrong time were replaced (as in Uptane, when the time key rotates).
   */
  async resetFloor(): Promise<void> {
    this.#floor = this.#imageTime
    await this.#own.setTimeFloor(this.#imageTime)
  }

  /** Whether a clock runs that a battery or the network has set. It may be behind the floor. */
  get #runs(): boolean {
    return this.#kind === 'system' && this.#now() >= earliestTime
  }

  get #highest(): Date {
    if (this.#anchor !== undefined) {
      return new Date(this.#anchor.getTime() + (this.#runs ? clockBehindMs : floorJumpMs))
    }
    // The first signed time is the only information there is.
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
