/** Answers one peer's requests: one chunk after another, at the peer's pace. */

import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { type Base, type ChunkEncoding, encodeChunkHeader } from '../../../protocol/messages/swarm.ts'
import type { Subject } from '../../concurrency/fair-places.ts'
import { heapPace } from '../../process/heap-pace.ts'
import { loopLoad } from '../../process/loop-load.ts'
import { chunkMemory } from '../chunks/chunk-memory.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import type { Bases } from '../delta/bases.ts'
import type { Lane } from '../lane/lane.ts'
import {
  busyMs,
  compressBelowLoad,
  compressBelowLocal,
  compressBelowRemote,
  hardPacksAtOnce,
  laneAheadBytes,
  queuedRequestsPerPeer,
} from '../limits.ts'
import type { FrameStream } from './frame-stream.ts'
import { LinkRate } from './link-rate.ts'
import { PackLevel, quickLevel } from './pack-level.ts'
import type { Upload, UploadLimiter } from './upload-limiter.ts'

const compress = promisify(zstdCompress)

export interface ChunkSenderComponents {
  frames: FrameStream
  chunks: ChunkStore
  uploads: UploadLimiter
  /** Reads delta bases; without it every chunk is sent whole. */
  bases?: Pick<Bases, 'read'> | undefined
}

/** A requested chunk, and the delta base that the peer holds. */
export interface Wanted {
  readonly chunk: number
  readonly base?: Base | undefined
}

export interface ChunkSenderInit {
  subject: Subject
  local: boolean
  signal: AbortSignal
  onSent: (chunk: number) => void
  /** Called when the stream or the store fails. */
  onFailed: (reason: unknown) => void
}

/** Chunks that are compressed harder now, for all peers: each takes memory. */
let hardPacks = 0

export class ChunkSender {
  /** Bytes of chunks sent, as on the wire. */
  sentBytes = 0
  readonly #components: ChunkSenderComponents
  readonly #init: ChunkSenderInit
  #rate = new LinkRate()
  readonly #level = new PackLevel()
  #queue: Wanted[] = []
  #serving = false
  /** Where chunks go: the stream, until there is a lane. */
  #lane: Pick<Lane, 'write'> | undefined
  /** Our upload slot; undefined while there is nothing to send, and after it was taken back. */
  #upload: Upload | undefined
  #sayingBusy = false

  constructor(components: ChunkSenderComponents, init: ChunkSenderInit) {
    this.#components = components
    this.#init = init
  }

  /** Sends chunks there from now on. */
  useLane(lane: Pick<Lane, 'write'>): void {
    this.#lane = lane
    this.#rate = new LinkRate(laneAheadBytes)
  }

  /** Adds requests. If there are too many, answers `busy`, which voids all pending requests. */
  request(wanted: readonly Wanted[]): void {
    if (this.#queue.length + wanted.length > queuedRequestsPerPeer) {
      this.#queue = []
      void this.#sayBusy()
    } else if (this.#hasSlot()) {
      this.#queue.push(...wanted)
      if (!this.#serving) void this.#serve()
    } else void this.#sayBusy()
  }

  #hasSlot(): boolean {
    this.#upload ??= this.#components.uploads.enter(this.#init.subject, () => this.#slotLost())
    return this.#upload !== undefined
  }

  /** Another peer needs the slot: what is still to be sent is not, and the peer asks again later. */
  #slotLost(): void {
    this.#upload = undefined
    this.#queue = []
    void this.#sayBusy()
  }

  cancel(chunks: readonly number[]): void {
    const cancelled = new Set(chunks)
    this.#queue = this.#queue.filter(({ chunk }) => !cancelled.has(chunk))
  }

  /** An upload slot is held only while there is something to send: sessions last, slots must not. */
  async #serve(): Promise<void> {
    const { signal, onFailed } = this.#init
    this.#serving = true
    const endLate = heapPace.collectLate()
    try {
      for (let wanted = this.#queue.shift(); wanted !== undefined; wanted = this.#queue.shift()) {
        signal.throwIfAborted()
        await this.#send(wanted)
      }
    } catch (thrown) {
      this.#queue = []
      onFailed(thrown)
    } finally {
      endLate()
      this.#serving = false
      this.#upload?.leave()
      this.#upload = undefined
    }
  }

  async #send({ chunk, base }: Wanted): Promise<void> {
    const { chunks, frames, uploads } = this.#components
    const { signal, onSent } = this.#init
    const plain = chunks.has(chunk) ? await chunks.read(chunk) : undefined
    if (plain === undefined) return await frames.write({ type: 'missing', chunks: [chunk] }, signal)
    const { encoding, bytes } = await this.#encoded(plain, base)
    if (bytes !== plain) chunkMemory.give(plain)
    await uploads.take(bytes.length, signal)
    const began = performance.now()
    const frame = [encodeChunkHeader(chunk, encoding, bytes.length), bytes]
    await (this.#lane?.write(frame, signal, () => chunkMemory.give(bytes)) ?? frames.writeParts(frame, signal))
    this.#rate.add(bytes.length, performance.now() - began)
    this.sentBytes += bytes.length
    this.#upload?.sent()
    onSent(chunk)
  }

  /** As a delta if that is small; compressed if the link is the bottleneck; else raw. */
  async #encoded(plain: Uint8Array, base: Base | undefined): Promise<{ encoding: ChunkEncoding; bytes: Uint8Array }> {
    const raw = { encoding: 'raw', bytes: plain } as const
    const rate = this.#rate.bytesPerSecond
    // An unknown rate counts as slow outside the site, where bytes are scarce, and as fast inside, where processor
    // time is.
    const isSlow = this.#init.local
      ? (rate ?? Number.POSITIVE_INFINITY) < compressBelowLocal && loopLoad() < compressBelowLoad
      : (rate ?? 0) < compressBelowRemote
    const dictionary = base && (isSlow || !this.#init.local) && (await this.#components.bases?.read(base))
    if (!isSlow && !dictionary) return raw
    const wanted = this.#level.levelFor(rate)
    const isHard = wanted !== quickLevel && hardPacks < hardPacksAtOnce
    const level = isHard ? wanted : quickLevel
    const params = { [constants.ZSTD_c_compressionLevel]: level }
    const began = performance.now()
    if (isHard) hardPacks++
    const packed = await compress(plain, {
      ...{ params, pledgedSrcSize: plain.length, ...(dictionary && { dictionary }) },
    }).finally(() => {
      if (isHard) hardPacks--
    })
    const milliseconds = performance.now() - began
    this.#level.add(level, { whole: plain.length, packed: packed.length, milliseconds })
    if (packed.length >= plain.length * 0.95) return raw
    return { encoding: dictionary ? 'delta' : 'zstd', bytes: packed }
  }

  /** One at a time: a peer that keeps requesting but never reads must not fill the memory with answers. */
  async #sayBusy(): Promise<void> {
    if (this.#sayingBusy) return
    this.#sayingBusy = true
    try {
      await this.#components.frames.write({ type: 'busy', milliseconds: busyMs }, this.#init.signal)
    } catch (thrown) {
      this.#init.onFailed(thrown)
    } finally {
      this.#sayingBusy = false
    }
  }
}
