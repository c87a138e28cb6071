/** How fast the link to a peer is: bytes per second while it was the link that was waited for. */

/** From here on it was the link that was waited for, in milliseconds. */
const waitedMs = 1
/** A rate is known from so many bytes on. */
const knownFromBytes = 0.5e6
/** The last few megabytes count: what a fast start filled into buffers is soon outweighed. */
const halvedFromBytes = 4e6

export class LinkRate {
  #bytes = 0
  #milliseconds = 0

  /** Notes bytes and the time that sending them took. What took none only filled buffers, and says nothing of the link. */
  add(bytes: number, milliseconds: number): void {
    if (milliseconds < waitedMs) return
    if (this.#bytes > halvedFromBytes) {
      this.#bytes /= 2
      this.#milliseconds /= 2
    }
    this.#bytes += bytes
    this.#milliseconds += milliseconds
  }

  /** Nothing when the link has never been waited for long enough to know. */
  get bytesPerSecond(): number | undefined {
    return this.#bytes < knownFromBytes ? undefined : (this.#bytes / this.#milliseconds) * 1000
  }
}
