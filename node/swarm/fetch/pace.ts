/** Measures the recent transfer rate; undefined when it isn't known. */

import { RateMeter } from '../../concurrency/rate-meter.ts'

/**
 * The time constant of the exponential decay, in milliseconds: chunks arrive in bursts, and people read an estimate
 * occasionally.
 */
const fadeMs = 10_000
/** The shortest observation after which the rate is known. */
const knownAfterMs = 1_000
/** After this silence the rate is unknown, and measured anew when bytes arrive. */
const silentAfterMs = 5_000

/** All times are milliseconds of one monotonic clock. */
export class Pace {
  #began: number | undefined
  #at = 0
  #meter = new RateMeter(fadeMs)

  /** Adds bytes that have just arrived. */
  add(bytes: number, now = performance.now()): void {
    if (this.#began === undefined || now - this.#at > silentAfterMs) {
      // The first bytes only start the measurement: how long they took is unknown.
      this.#began = now
      this.#meter = new RateMeter(fadeMs)
    } else this.#meter.add(bytes, now)
    this.#at = now
  }

  /** Bytes per second; undefined before the rate is known and after a silence. */
  bytesPerSecond(now = performance.now()): number | undefined {
    if (this.#began === undefined || now - this.#began < knownAfterMs || now - this.#at > silentAfterMs)
      return undefined
    // At first the meter has seen only a part of its window; this corrects for it.
    const seen = 1 - Math.exp(-(now - this.#began) / fadeMs)
    return this.#meter.bytesPerSecond(now) / seen
  }
}
