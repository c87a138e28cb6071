/** Bytes per second over the last seconds, and while something was being sent. */

/** How fast old measurements fade, in milliseconds. */
const fadeMs = 3_000
/** From here on it was the link that was waited for, in milliseconds. */
const waitedMs = 1
/** A rate is known from so many bytes on. */
const knownFromBytes = 0.5e6

export class RateMeter {
  total = 0
  #bytes = 0
  #at = performance.now()
  #busyBytes = 0
  #busyMs = 0

  /** Notes bytes that have just passed. */
  add(bytes: number): void {
    this.#fade()
    this.total += bytes
    this.#bytes += bytes
  }

  /** Notes bytes and the time that passing them took. What took none only filled buffers, and says nothing of the link. */
  addTimed(bytes: number, milliseconds: number): void {
    this.add(bytes)
    if (milliseconds < waitedMs) return
    // The last few megabytes count: what a fast start filled into buffers is soon outweighed.
    if (this.#busyBytes > 4e6) {
      this.#busyBytes /= 2
      this.#busyMs /= 2
    }
    this.#busyBytes += bytes
    this.#busyMs += milliseconds
  }

  get bytesPerSecond(): number {
    this.#fade()
    return (this.#bytes / fadeMs) * 1000
  }

  /** While bytes were being passed; nothing when the link has never been waited for long enough to know. */
  get busyBytesPerSecond(): number | undefined {
    return this.#busyBytes < knownFromBytes ? undefined : (this.#busyBytes / this.#busyMs) * 1000
  }

  #fade(): void {
    const now = performance.now()
    this.#bytes *= Math.exp(-(now - this.#at) / fadeMs)
    this.#at = now
  }
}
