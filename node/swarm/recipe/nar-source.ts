/** The NAR access that recipes need: size, random ranges and a stream; the store's NAR reader implements it. */

/** A NAR with random access. */
export interface NarSource {
  /** The NAR's size in bytes. */
  readonly size: number
  /** Exactly `length` bytes of the NAR from `offset`; they may lie in `into`, which has as many. */
  readRange(offset: number, length: number, into?: Buffer): Promise<Uint8Array>
  /** The NAR's bytes from `start` (default 0) to `end` (exclusive; default its size), in pieces of bounded size. */
  stream(start?: number, end?: number): AsyncIterable<Uint8Array>
}
