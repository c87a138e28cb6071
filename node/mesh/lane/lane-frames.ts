/** Reads the frames of one direction of a lane that carries a stream, as its bytes come. */

import { laneFrameHeader, laneFrameLength } from '../../../protocol/messages/lane.ts'
import { LaneError } from './lane-tls.ts'

export interface LaneFramesInit {
  /** Takes the next bytes of the stream, which lie in what was read. */
  readonly onBytes: (bytes: Buffer) => void
  /** The direction has ended: nothing may come after that. */
  readonly onEnd: () => void
}

export class LaneFrames {
  readonly #init: LaneFramesInit
  readonly #header = Buffer.alloc(laneFrameHeader)
  /** Bytes of the header that are there. */
  #at = 0
  /** Bytes that the frame still has. */
  #left = 0
  #ended = false

  constructor(init: LaneFramesInit) {
    this.#init = init
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Throws a LaneError for bytes after the end, and a FormatError for a frame that is too long. */
  take(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; ) {
      if (this.#ended) throw new LaneError('ended', 'expected nothing after the end of a direction')
      if (this.#left > 0) {
        const part = bytes.subarray(from, from + this.#left)
        this.#left -= part.length
        from += part.length
        this.#init.onBytes(part)
        continue
      }
      const copied = bytes.copy(this.#header, this.#at, from, from + laneFrameHeader - this.#at)
      from += copied
      this.#at += copied
      if (this.#at < laneFrameHeader) return
      this.#at = 0
      this.#left = laneFrameLength(this.#header)
      if (this.#left > 0) continue
      this.#ended = true
      this.#init.onEnd()
    }
  }
}
