/** A recent byte rate: old measurements decay exponentially. */

export class RateMeter {
  readonly #fadeMs: number
  #bytes = 0
  #at = 0

  /** `fadeMs`: the time constant of the decay, in milliseconds. */
  constructor(fadeMs: number) {
    this.#fadeMs = fadeMs
  }

  /** Adds bytes that have just passed. All times are milliseconds of one monotonic clock. */
  add(bytes: number, now = performance.now()): void {
    this.#fade(now)
    this.#bytes += bytes
  }

  /** Bytes per second; rises to a steady rate over the time constant. */
  bytesPerSecond(now = performance.now()): number {
    this.#fade(now)
    return (this.#bytes / this.#fadeMs) * 1000
  }

  #fade(now: number): void {
    this.#bytes *= Math.exp(-(now - this.#at) / this.#fadeMs)
    this.#at = now
  }
}
