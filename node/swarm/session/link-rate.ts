/** The rate of the link to a peer, measured only while the link was the bottleneck. */

/** From here on it was the link that was waited for, in milliseconds. */
const waitedMs = 1
/** A rate is known from so many bytes on. */
const knownFromBytes = 0.5e6
/** The last few megabytes count: what a fast start filled into buffers is soon outweighed. */
const halvedFromBytes = 4e6

export class LinkRate {
  readonly #aheadBytes: number
  /** Bytes that were sent without a wait since the last one. */
  #unwaited = 0
  #bytes = 0
  #milliseconds = 0

  /** `aheadBytes`: a wait may be for so many bytes that were sent before it. */
  constructor(aheadBytes = 0) {
    this.#aheadBytes = aheadBytes
  }

  /**
   * Adds bytes and the time that sending them took. A send without any wait only filled buffers, and tells nothing
   * about the link.
   */
  add(bytes: number, milliseconds: number): void {
    if (milliseconds < waitedMs) {
      this.#unwaited = Math.min(this.#aheadBytes, this.#unwaited + bytes)
      return
    }
    if (this.#bytes > halvedFromBytes) {
      this.#bytes /= 2
      this.#milliseconds /= 2
    }
    this.#bytes += bytes + this.#unwaited
    this.#unwaited = 0
    this.#milliseconds += milliseconds
  }

  /** Undefined until the link has been the bottleneck for long enough. */
  get bytesPerSecond(): number | undefined {
    return this.#bytes < knownFromBytes ? undefined : (this.#bytes / this.#milliseconds) * 1000
  }
}
