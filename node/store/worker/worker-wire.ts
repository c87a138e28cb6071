/** The encoding of Nix's worker protocol: little-endian u64 numbers, strings padded to 8 bytes, lists, and frames. */
import type { Readable, Writable } from 'node:stream'
import { maxWireListEntries, maxWireStringBytes, maxWireTextBytes } from '../limits.ts'
import { storeError } from '../store-error.ts'

const zeros = Buffer.alloc(8)

/** The number of zero bytes that pad `length` bytes to a multiple of 8. */
export function paddingOf(length: number): number {
  return (8 - (length % 8)) % 8
}

/** A number in the encoding of the protocol and of NARs. */
export function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

/** Builds one request, so that it is written at once. */
export class WireMessage {
  readonly #parts: Buffer[] = []

  u64(value: number): this {
    this.#parts.push(u64(value))
    return this
  }

  bool(value: boolean): this {
    return this.u64(value ? 1 : 0)
  }

  string(text: string | Uint8Array): this {
    const bytes = Buffer.from(text)
    this.#parts.push(u64(bytes.length), bytes, zeros.subarray(0, paddingOf(bytes.length)))
    return this
  }

  strings(texts: Iterable<string>): this {
    const list = [...texts]
    this.u64(list.length)
    for (const text of list) this.string(text)
    return this
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

/** Decodes values from the daemon's stream, with limits; once the stream ends or fails, every read fails. */
export class WireReader {
  readonly #stream: Readable
  #wake: (() => void) | undefined

  constructor(stream: Readable) {
    this.#stream = stream
    const wake = () => {
      const waiting = this.#wake
      this.#wake = undefined
      // Without a reader, an empty read makes the stream notice its end.
      if (waiting === undefined) stream.read(0)
      else waiting()
    }
    stream.on('readable', wake).on('end', wake).on('close', wake).on('error', wake)
  }

  /** Exactly `length` bytes. */
  async bytes(length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0)
    for (;;) {
      const chunk: Buffer | null = this.#stream.read(length)
      if (chunk !== null && chunk.length === length) return chunk
      if (chunk !== null || this.#stream.readableEnded || this.#stream.destroyed) {
        throw this.#stream.errored ?? storeError('store-unavailable', 'The Nix daemon closed the connection')
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  async u64(): Promise<number> {
    const value = (await this.bytes(8)).readBigUInt64LE()
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw storeError('protocol', `The Nix daemon sent the number ${value}`)
    return Number(value)
  }

  /** Skips a 64-bit field. */
  async skipU64(): Promise<void> {
    await this.bytes(8)
  }

  async bool(): Promise<boolean> {
    return (await this.bytes(8)).readBigUInt64LE() !== 0n
  }

  async string(maxBytes = maxWireStringBytes): Promise<string> {
    const length = await this.u64()
    if (length > maxBytes) {
      throw storeError('protocol', `Expected a string of at most ${maxBytes} bytes from the Nix daemon, got ${length}`)
    }
    const padded = await this.bytes(length + paddingOf(length))
    return padded.toString('utf8', 0, length)
  }

  /** The beginning of a message; the rest is skipped, since errors may quote a whole file. */
  async text(keepBytes = maxWireTextBytes): Promise<string> {
    const length = await this.u64()
    const kept = await this.bytes(Math.min(length, keepBytes))
    for (let rest = length + paddingOf(length) - kept.length; rest > 0; ) {
      rest -= (await this.bytes(Math.min(rest, maxWireTextBytes))).length
    }
    return kept.toString()
  }

  async strings(maxEntries = maxWireListEntries): Promise<string[]> {
    const count = await this.u64()
    if (count > maxEntries) {
      throw storeError('protocol', `Expected at most ${maxEntries} strings from the Nix daemon, got ${count}`)
    }
    const list: string[] = []
    for (let i = 0; i < count; i++) list.push(await this.string())
    return list
  }
}

/** Writes to the daemon with back-pressure. */
export class WireSink {
  readonly #stream: Writable

  constructor(stream: Writable) {
    this.#stream = stream
  }

  /**
   * Writes the pieces in order; resolves when their memory may be used again: the kernel has them, or the connection has failed,
   * of which the reader knows the reason, and the next write tells.
   */
  async write(...pieces: Uint8Array[]): Promise<void> {
    this.#assertOpen()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#stream.cork()
    pieces.forEach((piece, i) => {
      this.#stream.write(piece, i < pieces.length - 1 ? undefined : () => resolve())
    })
    this.#stream.uncork()
    if (pieces.length > 0) await promise
  }

  #assertOpen(): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) {
      throw this.#stream.errored ?? storeError('store-unavailable', 'The Nix daemon closed the connection')
    }
  }
}
