/** A stream as a channel: length-prefixed messages decoded with their codec, and bodies of a known length. */

import type { Stream } from '@libp2p/interface'
import type { Codec } from '../../../protocol/encoding/cbor.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { idleStreamTimeoutMs, messageTimeoutMs, slowestBytesPerMs } from '../limits.ts'
import { type Patience, StreamReader, writeTo } from './stream-io.ts'

export class ChannelError extends ThymeshError<'ended' | 'too-large'> {}

const headerLength = 4

/** A frame is a four-byte big-endian length, then the message. */
export class Channel {
  readonly stream: Stream
  /** Hears of bytes of messages as they arrive, long before a large one is complete. */
  onReceived: ((bytes: number) => void) | undefined
  readonly #reader: StreamReader
  readonly #signal: AbortSignal | undefined
  readonly #bulk: Patience
  #held: Uint8Array[] = []

  /** Create it in the tick in which the stream came. The signal ends every wait for messages. */
  constructor(stream: Stream, signal?: AbortSignal, aheadBytes?: number) {
    this.stream = stream
    this.#reader = new StreamReader(stream, aheadBytes)
    this.#signal = signal
    this.#bulk = { idleMs: idleStreamTimeoutMs, signal }
  }

  async send<T>(codec: Codec<T>, message: T): Promise<void> {
    this.hold(codec, message)
    await this.flush()
  }

  /** Sends what is held. */
  async flush(): Promise<void> {
    const bytes = this.#held.length === 1 ? this.#held[0] : Uint8Array.from(Buffer.concat(this.#held))
    this.#held = []
    if (bytes !== undefined) await writeTo(this.stream, bytes, this.#within(messageTimeoutMs))
  }

  /**
   * Sends a message in one write with the next one, which must follow without waiting for the other side: a write of its own takes
   * 30 bytes more, for the frames of the stream and of the cipher.
   */
  hold<T>(codec: Codec<T>, message: T): void {
    const bytes = codec.encode(message)
    const frame = new Uint8Array(headerLength + bytes.length)
    new DataView(frame.buffer).setUint32(0, bytes.length)
    frame.set(bytes, headerLength)
    this.#held.push(frame)
  }

  /**
   * Receives the next message within the timeout. Throws a ChannelError if the stream ends, a FormatError if the
   * message doesn't match the codec.
   */
  async receive<T>(codec: Codec<T>, timeoutMs = messageTimeoutMs): Promise<T> {
    const patience = this.#within(timeoutMs)
    const header = await this.#exactly(headerLength, patience)
    const length = new DataView(header.buffer, header.byteOffset).getUint32(0)
    if (length > codec.maxBytes) {
      throw new ChannelError('too-large', `expected a ${codec.name} of at most ${codec.maxBytes} bytes, got ${length}`)
    }
    return codec.decode(await this.#exactly(length, patience))
  }

  /** Sends a body whose length was announced before. */
  async sendBody(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    for await (const chunk of body) await writeTo(this.stream, chunk, this.#bulk)
  }

  /** Yields exactly `size` bytes as they arrive; throws a ChannelError if the stream ends early. */
  async *body(size: number, patience = this.#bulk): AsyncGenerator<Uint8Array> {
    let left = size
    while (left > 0) {
      const chunk = await this.#reader.next(patience)
      if (chunk === undefined) throw ended(left)
      const part = chunk.length > left ? chunk.subarray(0, left) : chunk
      if (part.length < chunk.length) this.#reader.unread(chunk.subarray(part.length))
      left -= part.length
      yield part
    }
  }

  /** A whole body, within the time of the slowest accepted link; for documents, whose size is limited. */
  async bodyBytes(size: number, progress?: (bytes: number) => void): Promise<Uint8Array> {
    const bytes = new Uint8Array(size)
    const patience = { ...this.#bulk, until: performance.now() + idleStreamTimeoutMs + size / slowestBytesPerMs }
    let at = 0
    for await (const chunk of this.body(size, patience)) {
      bytes.set(chunk, at)
      at += chunk.length
      progress?.(chunk.length)
    }
    return bytes
  }

  /** The next bytes after the messages, whenever they come; undefined at the end. */
  async rest(): Promise<Uint8Array | undefined> {
    return await this.#reader.next({ signal: this.#signal })
  }

  /** Sends bytes after the messages, at the pace of the other side. */
  async sendRest(bytes: Uint8Array): Promise<void> {
    await writeTo(this.stream, bytes, { signal: this.#signal })
  }

  /** What comes after the messages, for who goes on with the stream in another way. */
  get reader(): StreamReader {
    return this.#reader
  }

  /** Ends our direction; the other side may still send. */
  async close(): Promise<void> {
    await this.stream.close({ signal: AbortSignal.timeout(messageTimeoutMs) })
  }

  abort(error: unknown): void {
    this.stream.abort(error instanceof Error ? error : new Error(String(error)))
  }

  async #exactly(length: number, patience: Patience): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const chunk = await this.#reader.next(patience)
      if (chunk === undefined) throw ended(length - at)
      const part = chunk.subarray(0, length - at)
      bytes.set(part, at)
      at += part.length
      this.onReceived?.(part.length)
      this.#reader.unread(chunk.subarray(part.length))
    }
    return bytes
  }

  #within(milliseconds: number): Patience {
    return { until: performance.now() + milliseconds, signal: this.#signal }
  }
}

/**
 * Runs an exchange on a stream, then closes it; resets it if the exchange fails, so that no half-open stream stays.
 * Call it in the tick in which the stream came.
 */
export async function withChannel<T>(
  stream: Stream,
  signal: AbortSignal | undefined,
  conversation: (channel: Channel) => Promise<T>,
): Promise<T> {
  const channel = new Channel(stream, signal)
  try {
    const result = await conversation(channel)
    await channel.close().catch(error => channel.abort(error))
    return result
  } catch (thrown) {
    channel.abort(thrown)
    throw thrown
  }
}

function ended(missing: number): ChannelError {
  return new ChannelError('ended', `the stream ended ${missing} bytes early`)
}
