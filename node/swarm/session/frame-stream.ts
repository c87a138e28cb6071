/** Frames over a libp2p stream: reads are bounded, and writes keep their order. */

import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { ThymeshError } from '../../../protocol/errors.ts'
import { decodeFrame, encodeFrame, type Frame, maxFrame } from '../../../protocol/messages/swarm.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import { type Patience, StreamReader, writeTo } from '../../mesh/transport/stream-io.ts'
import { type FramePatience, frameMs, usualPatience } from '../lane/frame-patience.ts'

export class FrameStreamError extends ThymeshError<'too-large' | 'ended'> {}

export class FrameStream {
  readonly #stream: Stream
  readonly #patience: FramePatience
  readonly #reader: StreamReader
  /** Each writer waits for the one before, so that frames don't interleave. */
  readonly #writes = new SerialQueue()
  #rest: Uint8Array = new Uint8Array()

  /** Create it in the tick in which the stream came. */
  constructor(stream: Stream, patience: FramePatience = usualPatience) {
    this.#stream = stream
    this.#patience = patience
    this.#reader = new StreamReader(stream)
  }

  /** The negotiated protocol. */
  get protocol(): string {
    return this.#stream.protocol
  }

  /** The next frame; undefined if the stream ended between two frames. */
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

  /** Resolves when the stream accepts more. */
  write(frame: Frame, signal?: AbortSignal): Promise<void> {
    return this.writeParts([encodeFrame(frame)], signal)
  }

  /** Writes a frame in parts: a header, and bytes that needn't be copied. */
  writeParts(parts: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    return this.#writes.run(async () => {
      // In one write, since each write is encrypted and sent separately.
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
    return performance.now() + frameMs(this.#patience, bytes)
  }

  /** `until` limits the wait for all bytes; without it, waiting for the first one is unlimited. */
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
