/** One peer's side of a swarm: what it has and wants, what we asked of it, and what it asked of us. */

import { EventEmitter } from 'node:events'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { equalBytes, sha256 } from '../../protocol/hash.ts'
import { recipeLimits } from '../../protocol/recipe.ts'
import { type ChunkEncoding, encodeChunkHeader, type Frame, maxNumbers } from '../../protocol/swarm.ts'
import type { Bitfield } from './bitfield.ts'
import type { ChunkList } from './chunk-list.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { FrameStream } from './frame-stream.ts'
import {
  announceIntervalMs,
  busyMs,
  compressBelowLoad,
  compressBelowLocal,
  compressBelowRemote,
  queuedRequestsPerPeer,
} from './limits.ts'
import { loopLoad } from './loop-load.ts'
import { RateMeter } from './rate-meter.ts'
import type { UploadLimiter } from './upload-limiter.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** `misbehaved`: the peer sent what no honest one sends; it is banned for a while. */
export class SessionError extends ThymeshError<'misbehaved' | 'ended'> {}

interface Events {
  /** The peer has more chunks than we knew. */
  have: [readonly number[]]
  /** A chunk came, verified against its hash; `wire` is what it took on the wire, in bytes. */
  chunk: [{ chunk: number; bytes: Uint8Array; wire: number }]
  /** The peer doesn't have these after all. */
  missing: [readonly number[]]
  /** The peer asks to be asked later. */
  busy: [number]
  closed: [unknown]
}

export interface SessionComponents {
  frames: FrameStream
  list: ChunkList
  chunks: ChunkStore
  uploads: UploadLimiter
}

export class Session extends EventEmitter<Events> {
  readonly peer: string
  /** What the peer has. */
  readonly theirs: Bitfield
  /** Whether it is fetching the closure itself. */
  readonly theyWant: boolean
  readonly received = new RateMeter()
  /** Chunk bytes that were sent, as they were on the wire. */
  sentBytes = 0
  readonly #components: SessionComponents
  readonly #abort = new AbortController()
  readonly #asked = new Set<number>()
  readonly #queue: number[] = []
  #unannounced: number[] = []
  #announcing: NodeJS.Timeout | undefined
  readonly #sent = new RateMeter()
  readonly #compressBelow: number
  #serving = false
  #admitted = false
  #closed = false

  constructor(
    components: SessionComponents,
    init: { peer: string; local: boolean; theirs: Bitfield; theyWant: boolean },
  ) {
    super()
    this.#components = components
    this.peer = init.peer
    this.theirs = init.theirs
    this.theyWant = init.theyWant
    this.#compressBelow = init.local ? compressBelowLocal : compressBelowRemote
  }

  /** Reads what the peer says until the stream ends; never rejects. */
  start(): void {
    void this.#run()
  }

  /** Asks for chunks; each is answered by `chunk`, `missing`, `busy` or `closed`. */
  request(chunks: readonly number[]): void {
    for (const chunk of chunks) this.#asked.add(chunk)
    this.#say(chunks, numbers => ({ type: 'request', chunks: numbers }))
  }

  cancel(chunks: readonly number[]): void {
    this.#say(chunks, numbers => ({ type: 'cancel', chunks: numbers }))
  }

  /** Tells that we have a chunk now; many are told at once. */
  announce(chunk: number): void {
    if (this.theirs.has(chunk)) return
    this.#unannounced.push(chunk)
    this.#announcing ??= setTimeout(() => {
      this.#announcing = undefined
      const chunks = this.#unannounced
      this.#unannounced = []
      this.#say(chunks, numbers => ({ type: 'have', chunks: numbers }))
    }, announceIntervalMs)
  }

  close(reason: unknown = new SessionError('ended', 'the session was ended')): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#announcing)
    this.#abort.abort(reason)
    if (this.#admitted) this.#components.uploads.leave(this.peer)
    this.#components.frames.abort(reason instanceof Error ? reason : new Error(String(reason)))
    this.emit('closed', reason)
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#components.frames.read(this.#abort.signal)
        if (frame === undefined) throw new SessionError('ended', 'the peer ended the session')
        await this.#take(frame)
      }
    } catch (thrown) {
      this.close(thrown)
    }
  }

  async #take(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'have': {
        const fresh = this.#checked(frame.chunks).filter(chunk => this.theirs.add(chunk))
        if (fresh.length > 0) this.emit('have', fresh)
        return
      }
      case 'request':
        return this.#enqueue(this.#checked(frame.chunks))
      case 'cancel': {
        const cancelled = new Set(frame.chunks)
        const left = this.#queue.filter(chunk => !cancelled.has(chunk))
        this.#queue.splice(0, this.#queue.length, ...left)
        return
      }
      case 'missing':
        for (const chunk of this.#checked(frame.chunks)) {
          this.theirs.remove(chunk)
          this.#asked.delete(chunk)
        }
        this.emit('missing', frame.chunks)
        return
      case 'busy':
        this.#asked.clear()
        this.emit('busy', frame.milliseconds)
        return
      case 'chunk':
        return await this.#takeChunk(frame)
      default:
        throw new SessionError('misbehaved', `expected no ${frame.type} frame here`)
    }
  }

  async #takeChunk({ chunk, encoding, bytes }: Frame & { type: 'chunk' }): Promise<void> {
    const { list } = this.#components
    // One that was cancelled may still come; one that was never asked for may not.
    this.#checked([chunk])
    const wire = bytes.length
    this.received.add(wire)
    let plain: Uint8Array
    try {
      plain = encoding === 'raw' ? bytes : await decompress(bytes, { maxOutputLength: recipeLimits.chunkSize })
    } catch (thrown) {
      throw new SessionError('misbehaved', `a chunk can't be decompressed: ${messageOf(thrown)}`)
    }
    if (plain.length !== list.length(chunk) || !equalBytes(sha256(plain), list.hash(chunk))) {
      throw new SessionError('misbehaved', `chunk ${chunk} has another hash than it must have`)
    }
    this.#asked.delete(chunk)
    this.emit('chunk', { chunk, bytes: plain, wire })
  }

  #enqueue(chunks: readonly number[]): void {
    const { uploads } = this.#components
    if (!this.#admitted) this.#admitted = uploads.enter(this.peer)
    if (!this.#admitted || this.#queue.length + chunks.length > queuedRequestsPerPeer) {
      void this.#write({ type: 'busy', milliseconds: busyMs })
      return
    }
    this.#queue.push(...chunks)
    if (!this.#serving) void this.#serve()
  }

  /** Sends what was asked for, one chunk after the other, at the pace at which the peer takes it. */
  async #serve(): Promise<void> {
    this.#serving = true
    try {
      for (let chunk = this.#queue.shift(); chunk !== undefined; chunk = this.#queue.shift())
        await this.#sendChunk(chunk)
    } catch (thrown) {
      this.close(thrown)
    } finally {
      this.#serving = false
    }
  }

  async #sendChunk(chunk: number): Promise<void> {
    const { chunks, frames, uploads } = this.#components
    const { signal } = this.#abort
    const plain = chunks.has(chunk) ? await chunks.read(chunk) : undefined
    if (plain === undefined) return await frames.write({ type: 'missing', chunks: [chunk] }, signal)
    const { encoding, bytes } = await this.#encoded(plain)
    await uploads.take(bytes.length, signal)
    const began = performance.now()
    await frames.writeParts([encodeChunkHeader(chunk, encoding, bytes.length), bytes], signal)
    this.#sent.addTimed(bytes.length, performance.now() - began)
    this.sentBytes += bytes.length
    this.theirs.add(chunk)
  }

  /** Compressed where the link is what one waits for, raw where the processor is. */
  async #encoded(plain: Uint8Array): Promise<{ encoding: ChunkEncoding; bytes: Uint8Array }> {
    const scarce = this.#sent.busyBytesPerSecond < this.#compressBelow && loopLoad() < compressBelowLoad
    if (!scarce) return { encoding: 'raw', bytes: plain }
    const packed = await compress(plain, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
    return packed.length < plain.length * 0.95 ? { encoding: 'zstd', bytes: packed } : { encoding: 'raw', bytes: plain }
  }

  #checked(chunks: readonly number[]): readonly number[] {
    const beyond = chunks.find(chunk => chunk >= this.#components.list.count)
    if (beyond === undefined) return chunks
    throw new SessionError('misbehaved', `expected chunks below ${this.#components.list.count}, got ${beyond}`)
  }

  #say(chunks: readonly number[], frame: (numbers: readonly number[]) => Frame): void {
    for (let at = 0; at < chunks.length; at += maxNumbers) void this.#write(frame(chunks.slice(at, at + maxNumbers)))
  }

  async #write(frame: Frame): Promise<void> {
    try {
      await this.#components.frames.write(frame, this.#abort.signal)
    } catch (thrown) {
      this.close(thrown)
    }
  }
}
