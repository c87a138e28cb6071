/** Frames over a libp2p stream: read with bounds, written in order, the small ones before chunks. */

import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { ThymeshError } from '../../../protocol/errors.ts'
import { decodeFrame, encodeFrame, type Frame, maxFrame } from '../../../protocol/messages/swarm.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import { idleStreamTimeoutMs } from '../../mesh/limits.ts'
import { type Patience, StreamReader, writeTo } from '../../mesh/transport/stream-io.ts'
import { slowestFrameBytesPerMs } from '../limits.ts'

export class FrameStreamError extends ThymeshError<'too-large' | 'ended'> {}

/**
 * How long a frame may take that has begun: it was taken off the queue to be sent, or its first byte came. One that comes
 * or goes byte by byte holds memory, and a place among those that are served, for no longer.
 */
export interface FramePatience {
  readonly idleMs: number
  readonly bytesPerMs: number
}

const usualPatience: FramePatience = { idleMs: idleStreamTimeoutMs, bytesPerMs: slowestFrameBytesPerMs }

export class FrameStream {
  readonly #stream: Stream
  readonly #patience: FramePatience
  readonly #reader: StreamReader
  /** Whoever writes waits for the one before: frames don't mix. */
  readonly #writes = new SerialQueue()
  #rest: Uint8Array = new Uint8Array()

  /** Make it in the tick in which the stream came. */
  constructor(stream: Stream, patience = usualPatience) {
    this.#stream = stream
    this.#patience = patience
    this.#reader = new StreamReader(stream)
  }

  /** The next frame; nothing when the stream has ended between two frames. */
  async read(signal?: AbortSignal): Promise<Frame | undefined> {
    const header = await this.#exactly(4, signal)
    if (header === undefined) return undefined
    const length = new DataView(header.buffer, header.byteOffset).getUint32(0)
    if (length === 0 || length > maxFrame) {
      throw new FrameStreamError('too-large', `expected a frame of 1 to ${maxFrame} bytes, got ${length}`)
    }
    const bytes = await this.#exactly(length, signal, this.#untilDone(length))
    if (bytes === undefined) throw new FrameStreamError('ended', 'the stream ended within a frame')
    return decodeFrame(bytes)
  }

  /** Resolves when the stream wants more. */
  write(frame: Frame, signal?: AbortSignal): Promise<void> {
    return this.writeParts([encodeFrame(frame)], signal)
  }

  /** One frame in parts: a header and bytes that need no copy. */
  writeParts(parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    return this.#writes.run(async () => {
      // Together: each would be encrypted and sent by itself.
      const bytes = new Uint8ArrayList(...parts)
      const { idleMs } = this.#patience
      await writeTo(this.#stream, bytes, { signal, idleMs, until: this.#untilDone(bytes.length) })
    })
  }

  async close(): Promise<void> {
    await this.#writes.drain()
    await this.#stream.close({ signal: AbortSignal.timeout(5_000) })
  }

  abort(error: Error): void {
    this.#stream.abort(error)
  }

  #untilDone(bytes: number): number {
    return performance.now() + this.#patience.idleMs + bytes / this.#patience.bytesPerMs
  }

  /** `until` bounds the wait for all of it; else there is none before the first byte. */
  async #exactly(length: number, signal: AbortSignal | undefined, until?: number): Promise<Uint8Array | undefined> {
    let have = this.#rest
    if (have.length < length) {
      const bytes = Buffer.allocUnsafe(length)
      bytes.set(have)
      let at = have.length
      let patience: Patience = { signal, ...(until !== undefined && { until }) }
      for (;;) {
        if (at > 0 && patience.until === undefined) patience = { signal, until: this.#untilDone(length) }
        const chunk = await this.#reader.next(patience)
        if (chunk === undefined) {
          this.#rest = new Uint8Array()
          if (at === 0) return undefined
          throw new FrameStreamError('ended', 'the stream ended within a frame')
        }
        const part = chunk.subarray(0, length - at)
        bytes.set(part, at)
        at += part.length
        if (at < length) continue
        this.#rest = chunk.subarray(part.length)
        return bytes
      }
    }
    this.#rest = have.subarray(length)
    have = have.subarray(0, length)
    return have
  }
}
