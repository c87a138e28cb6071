/** What recipes need of a NAR: its size, any range, and all of it in order; the store's NAR reader is one. */

/** A NAR that can be read at random. */
export interface NarSource {
  /** Bytes of the NAR. */
  readonly size: number
  /** The NAR's bytes from `offset`, exactly `length` of them. */
  readRange(offset: number, length: number): Promise<Uint8Array>
  /** The NAR's bytes from `start` (default 0) to `end` (exclusive; default its size), in pieces of bounded length. */
  stream(start?: number, end?: number): AsyncIterable<Uint8Array>
}
