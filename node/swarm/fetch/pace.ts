/** How fast something comes, by what came lately; nothing where that can't be told honestly. */

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
  #bytes = 0

  /** Notes bytes that have just come. */
  add(bytes: number, now = performance.now()): void {
    if (this.#began === undefined || now - this.#at > silentAfterMs) {
      // The first only mark the beginning: nobody knows how long they took.
      this.#began = now
      this.#bytes = 0
    } else this.#bytes = this.#faded(now) + bytes
    this.#at = now
  }

  /** Bytes per second; nothing before it is known and after a silence. */
  bytesPerSecond(now = performance.now()): number | undefined {
    if (this.#began === undefined || now - this.#began < knownAfterMs || now - this.#at > silentAfterMs)
      return undefined
    // What a window that fades holds at a steady pace; less at first, when it was open for a short time.
    const windowMs = fadeMs * (1 - Math.exp(-(now - this.#began) / fadeMs))
    return (this.#faded(now) / windowMs) * 1000
  }

  #faded(now: number): number {
    return this.#bytes * Math.exp(-(now - this.#at) / fadeMs)
  }
}
