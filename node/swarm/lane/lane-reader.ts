/** Cuts the bytes of a lane into chunk frames: each chunk is copied once, into memory that whoever takes it holds. */

import {
  type ChunkFrame,
  chunkFrameHeader,
  chunkLengthOf,
  decodeChunkHeader,
} from '../../../protocol/messages/swarm.ts'
import { chunkMemory } from '../chunks/chunk-memory.ts'

type ChunkStart = Omit<ChunkFrame, 'type' | 'bytes'>

export class LaneReader {
  readonly #onChunk: (frame: ChunkFrame) => void
  readonly #header = Buffer.alloc(chunkFrameHeader)
  #start: ChunkStart | undefined
  #bytes: Buffer = this.#header
  /** Bytes of the header, or of the chunk, that are there. */
  #at = 0

  constructor(onChunk: (frame: ChunkFrame) => void) {
    this.#onChunk = onChunk
  }

  /** The size of the frame of which a part has come; 0 between two frames. */
  get within(): number {
    return this.#start === undefined && this.#at === 0 ? 0 : chunkFrameHeader + this.#bytes.length
  }

  /** Takes the next bytes of the lane, which the caller may use again. Throws a FormatError at a wrong header. */
  take(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + this.#bytes.length - this.#at)
      this.#bytes.set(part, this.#at)
      this.#at += part.length
      from += part.length
      if (this.#at === this.#bytes.length) this.#filled()
      // Nobody waits for the rest of what is wrong already.
      else if (this.#start === undefined && this.#at >= 4) chunkLengthOf(this.#header)
    }
  }

  #filled(): void {
    const [start, bytes] = [this.#start, this.#bytes]
    this.#at = 0
    if (start === undefined) {
      const { length, ...next } = decodeChunkHeader(bytes)
      this.#start = next
      this.#bytes = chunkMemory.take(length)
      return
    }
    this.#start = undefined
    this.#bytes = this.#header
    this.#onChunk({ type: 'chunk', ...start, bytes })
  }
}
