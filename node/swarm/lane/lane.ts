/** One end of a bulk lane: chunk frames over TLS, bounded in both directions. */

import type { TLSSocket } from 'node:tls'
import { messageOf } from '../../../protocol/errors.ts'
import type { ChunkFrame } from '../../../protocol/messages/swarm.ts'
import { LaneError } from '../../mesh/lane/lane-tls.ts'
import { chunkMemory } from '../chunks/chunk-memory.ts'
import { laneAheadBytes, lanePendingBytes, laneWatchMs } from '../limits.ts'
import { type FramePatience, frameMs, usualPatience } from './frame-patience.ts'
import { LaneReader } from './lane-reader.ts'

/** Who takes what comes on a lane. */
export interface LaneUser {
  /** Takes a chunk; until the promise settles, its bytes count as pending. Must not reject. */
  onChunk(frame: ChunkFrame): Promise<void>
  /** The lane has ended by itself: with a FormatError if the peer sent something else than chunk frames. */
  onEnded(reason: unknown): void
}

export class Lane {
  readonly #patience: FramePatience
  readonly #reader = new LaneReader(frame => this.#came(frame))
  #socket: TLSSocket | undefined
  #user: LaneUser | undefined
  /** Chunks that came before the lane was taken into use. */
  #early: ChunkFrame[] = []
  /** Bytes of chunks that were received and are being handled. */
  #pendingBytes = 0
  #paused = false
  /** When the frame that is arriving began, in milliseconds. */
  #since: number | undefined
  #watch: NodeJS.Timeout | undefined
  /** Bytes that the kernel has not taken yet. */
  #unsentBytes = 0
  #waiting: (() => void) | undefined
  #ended: { reason: unknown } | undefined

  constructor(patience: FramePatience = usualPatience) {
    this.#patience = patience
  }

  /** Takes the next bytes from the socket; returns whether it may read on. */
  readonly take = (bytes: Uint8Array): boolean => {
    try {
      this.#reader.take(bytes)
    } catch (thrown) {
      this.#end(thrown)
    }
    this.#since = this.#reader.within > 0 ? (this.#since ?? performance.now()) : undefined
    this.#paused = this.#pendingBytes > lanePendingBytes
    return !this.#paused && this.#ended === undefined
  }

  /** Runs on this socket, whose handshake has succeeded. */
  run(socket: TLSSocket): void {
    this.#socket = socket
    socket.setKeepAlive(true, laneWatchMs)
    socket.setNoDelay(true)
    socket.on('error', cause => this.#end(new LaneError('ended', messageOf(cause), { cause })))
    socket.on('end', () => this.#end(new LaneError('ended', 'the peer ended the lane')))
    socket.on('close', () => this.#end(new LaneError('ended', 'the lane was closed')))
    if (this.#ended !== undefined) return void socket.destroy()
    this.#watch = setInterval(() => this.#checkPace(), Math.min(laneWatchMs, this.#patience.idleMs / 2))
    if (socket.destroyed) this.#end(new LaneError('ended', 'the lane closed while it was opened'))
  }

  /** Gives the lane to its session. */
  use(user: LaneUser): void {
    this.#user = user
    if (this.#ended !== undefined) user.onEnded(this.#ended.reason)
    for (const frame of this.#early.splice(0)) this.#handle(frame)
  }

  /**
   * Sends a frame in parts, and resolves when few enough bytes wait to be sent; for one writer at a time. Calls `onSent` once their
   * memory may be used again; after an error, never.
   */
  async write(parts: readonly Uint8Array[], signal: AbortSignal, onSent = () => {}): Promise<void> {
    signal.throwIfAborted()
    const socket = this.#socket
    if (socket === undefined || this.#ended !== undefined) throw this.#ended?.reason ?? new TypeError('not open yet')
    const bytes = parts.reduce((sum, { length }) => sum + length, 0)
    this.#unsentBytes += bytes
    const sent = (failed?: Error | null) => {
      this.#unsentBytes -= bytes
      if (!failed) onSent()
      this.#waiting?.()
    }
    socket.cork()
    parts.forEach((part, i) => {
      if (i < parts.length - 1) socket.write(part)
      else socket.write(part, sent)
    })
    socket.uncork()
    if (this.#unsentBytes > laneAheadBytes) await this.#room(signal)
  }

  /** Closes the lane; its user isn't told. */
  close(): void {
    this.#user = undefined
    this.#end(new LaneError('ended', 'the lane was closed'))
  }

  async #room(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const slow = () => reject(new LaneError('timed-out', 'the peer takes chunks too slowly'))
    const timer = setTimeout(slow, frameMs(this.#patience, this.#unsentBytes))
    const aborted = () => reject(signal.reason)
    signal.addEventListener('abort', aborted)
    this.#waiting = () => {
      if (this.#ended !== undefined) reject(this.#ended.reason)
      else if (this.#unsentBytes <= laneAheadBytes) resolve()
    }
    this.#waiting()
    try {
      await promise
    } finally {
      this.#waiting = undefined
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
    }
  }

  #came(frame: ChunkFrame): void {
    this.#since = undefined
    this.#pendingBytes += chunkMemory.heldBytes(frame.bytes)
    if (this.#user === undefined) this.#early.push(frame)
    else this.#handle(frame)
  }

  #handle(frame: ChunkFrame): void {
    const held = chunkMemory.heldBytes(frame.bytes)
    void this.#user?.onChunk(frame).finally(() => {
      this.#pendingBytes -= held
      if (!this.#paused || this.#pendingBytes > lanePendingBytes / 2) return
      this.#paused = false
      // What wasn't read meanwhile wasn't late.
      if (this.#since !== undefined) this.#since = performance.now()
      this.#socket?.resume()
    })
  }

  #checkPace(): void {
    if (this.#since === undefined || this.#paused) return
    if (performance.now() - this.#since < frameMs(this.#patience, this.#reader.within)) return
    this.#end(new LaneError('timed-out', 'the peer sends a chunk too slowly'))
  }

  #end(reason: unknown): void {
    if (this.#ended !== undefined) return
    this.#ended = { reason }
    clearInterval(this.#watch)
    this.#early = []
    this.#socket?.destroy()
    this.#waiting?.()
    this.#user?.onEnded(reason)
  }
}
