/** The rate of the link to a peer, measured only while the link was the bottleneck. */

/** From here on it was the link that was waited for, in milliseconds. */
const waitedMs = 1
/** A rate is known from so many bytes on. */
const knownFromBytes = 0.5e6
/** The last few megabytes count: what a fast start filled into buffers is soon outweighed. */
const halvedFromBytes = 4e6

export class LinkRate {
  #bytes = 0
  #milliseconds = 0

  /**
   * Adds bytes and the time that sending them took. A send without any wait only filled buffers, and tells nothing
   * about the link.
   */
  add(bytes: number, milliseconds: number): void {
    if (milliseconds < waitedMs) return
    if (this.#bytes > halvedFromBytes) {
      this.#bytes /= 2
      this.#milliseconds /= 2
    }
    this.#bytes += bytes
    this.#milliseconds += milliseconds
  }

  /** Undefined until the link has been the bottleneck for long enough. */
  get bytesPerSecond(): number | undefined {
    return this.#bytes < knownFromBytes ? undefined : (this.#bytes / this.#milliseconds) * 1000
  }
}
