/** How fast something comes, by what came lately; nothing where that can't be told honestly. */

import { RateMeter } from '../../concurrency/rate-meter.ts'

/** How fast old measurements fade, in milliseconds: chunks come in bursts, and a person reads a time once in a while. */
const fadeMs = 10_000
/** A pace is known once it was looked at for so long. */
const knownAfterMs = 1_000
/** What has brought nothing for so long has no pace: when it goes on, it is measured anew. */
const silentAfterMs = 5_000

/** All times are milliseconds of one steady clock. */
export class Pace {
  #began: number | undefined
  #at = 0
  #meter = new RateMeter(fadeMs)

  /** Notes bytes that have just come. */
  add(bytes: number, now = performance.now()): void {
    if (this.#began === undefined || now - this.#at > silentAfterMs) {
      // The first only mark the beginning: nobody knows how long they took.
      this.#began = now
      this.#meter = new RateMeter(fadeMs)
    } else this.#meter.add(bytes, now)
    this.#at = now
  }

  /** Bytes per second; nothing before it is known and after a silence. */
  bytesPerSecond(now = performance.now()): number | undefined {
    if (this.#began === undefined || now - this.#began < knownAfterMs || now - this.#at > silentAfterMs)
      return undefined
    // The meter rises to a steady pace as it fades: at first it has seen a part of its window only.
    const seen = 1 - Math.exp(-(now - this.#began) / fadeMs)
    return this.#meter.bytesPerSecond(now) / seen
  }
}
