/** A rate of bytes, lately: old measurements fade exponentially. */

export class RateMeter {
  readonly #fadeMs: number
  #bytes = 0
  #at = 0

  /** `fadeMs`: after so many milliseconds a measurement counts 1/e of what it did. */
  constructor(fadeMs: number) {
    this.#fadeMs = fadeMs
  }

  /** Notes bytes that have just passed. All times are milliseconds of one steady clock. */
  add(bytes: number, now = performance.now()): void {
    this.#fade(now)
    this.#bytes += bytes
  }

  /** Bytes per second; rises to a steady rate as the meter's own time passes. */
  bytesPerSecond(now = performance.now()): number {
    this.#fade(now)
    return (this.#bytes / this.#fadeMs) * 1000
  }

  #fade(now: number): void {
    this.#bytes *= Math.exp(-(now - this.#at) / this.#fadeMs)
    this.#at = now
  }
}
