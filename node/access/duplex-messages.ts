/** Messages on a stream of Node, as `Channel` has them on one of libp2p: a four-byte length, then canonical DAG-CBOR. */

import type { Duplex } from 'node:stream'
import type { Codec } from '../../protocol/encoding/cbor.ts'
import { ThymeshError } from '../../protocol/errors.ts'

export class DuplexError extends ThymeshError<'ended' | 'too-large'> {}

export function sendMessage<T>(stream: Duplex, codec: Codec<T>, message: T): void {
  const bytes = codec.encode(message)
  const header = Buffer.alloc(4)
  header.writeUInt32BE(bytes.length)
  stream.write(Buffer.concat([header, bytes]))
}

/** The next message; what comes after it stays in the stream. Throws a DuplexError or FormatError. */
export async function receiveMessage<T>(stream: Duplex, codec: Codec<T>, signal: AbortSignal): Promise<T> {
  const length = (await exactly(stream, 4, signal)).readUInt32BE(0)
  if (length > codec.maxBytes) {
    throw new DuplexError('too-large', `expected a ${codec.name} of at most ${codec.maxBytes} bytes, got ${length}`)
  }
  return codec.decode(await exactly(stream, length, signal))
}

/** Exactly so many bytes; what comes after them stays in the stream. Throws a DuplexError where it ends before. */
export async function exactly(stream: Duplex, length: number, signal: AbortSignal): Promise<Buffer> {
  const parts: Buffer[] = []
  let left = length
  while (left > 0) {
    signal.throwIfAborted()
    // What is there is taken out at once: a stream that holds a part of it says that it is readable again and again.
    const bytes: Buffer | null = stream.readableLength > 0 ? stream.read(Math.min(left, stream.readableLength)) : null
    if (bytes !== null) {
      parts.push(bytes)
      left -= bytes.length
    } else if (stream.readableEnded || stream.destroyed) {
      throw stream.errored ?? new DuplexError('ended', 'the stream ended before a whole message had come')
    } else await somethingNew(stream, signal)
  }
  const [only] = parts
  return parts.length === 1 && only ? only : Buffer.concat(parts)
}

async function somethingNew(stream: Duplex, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const events = ['readable', 'end', 'close', 'error'] as const
  for (const event of events) stream.once(event, resolve)
  const aborted = () => resolve()
  signal.addEventListener('abort', aborted)
  await promise
  signal.removeEventListener('abort', aborted)
  for (const event of events) stream.off(event, resolve)
}
