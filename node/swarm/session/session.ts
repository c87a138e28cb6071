/**
 * A session with one peer about one closure: the peer's chunks and interest, our requests to it and its requests to
 * us.
 */

import { EventEmitter } from 'node:events'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { type AskFrom, type ChunkFrame, type Frame, maxAsks, maxNumbers } from '../../../protocol/messages/swarm.ts'
import type { Subject } from '../../concurrency/fair-places.ts'
import type { RateMeter } from '../../concurrency/rate-meter.ts'
import { LaneError } from '../../mesh/lane/lane-tls.ts'
import { Bitfield } from '../chunks/bitfield.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import type { BaseFinder } from '../delta/base-finder.ts'
import type { Bases } from '../delta/bases.ts'
import type { Lane } from '../lane/lane.ts'
import { announceIntervalMs, laneGraceMs, maxBusyMs, maxLossesPerChunk } from '../limits.ts'
import { ChunkReceiver } from './chunk-receiver.ts'
import { ChunkSender } from './chunk-sender.ts'
import type { FrameStream } from './frame-stream.ts'
import { asMisbehaviour, SessionError } from './session-error.ts'
import type { UploadLimiter } from './upload-limiter.ts'

interface Events {
  /** The peer has announced new chunks. */
  have: [readonly number[]]
  /** The peer started or stopped fetching the closure. */
  wants: [boolean]
  /** A chunk arrived and was verified against its hash; `wire` is its size on the wire in bytes. */
  chunk: [{ chunk: number; bytes: Uint8Array; wire: number }]
  /** A chunk was sent. */
  sent: []
  /** Bytes of an invalid chunk. */
  wasted: [number]
  /** The peer doesn't have these chunks after all. */
  missing: [readonly number[]]
  /** The peer has lost these chunks. */
  lost: [readonly number[]]
  /** The peer asks to be asked later, in milliseconds; it answers none of the pending requests. */
  busy: [number]
  closed: [unknown]
}

export interface SessionComponents {
  frames: FrameStream
  list: ChunkList
  chunks: ChunkStore
  uploads: UploadLimiter
  /** Finds and reads the delta bases for our requests. */
  finder?: Pick<BaseFinder, 'baseOf' | 'forget'> | undefined
  bases?: Pick<Bases, 'read'> | undefined
}

/** The result of the handshake, and the peer at the other end. */
export interface SessionInit {
  subject: Subject
  local: boolean
  theirs: Bitfield
  theyWant: boolean
  /** The chunks that we announced, and whether we fetch. */
  ours?: Bitfield
  weWant?: boolean
  /** Of two streams opened at the same time, this is the one that stays. */
  preferred?: boolean
  /** Whether the stream's protocol has `lost`. */
  losses?: boolean
}

export class Session extends EventEmitter<Events> {
  /** The peer, as shares are counted. */
  readonly subject: Subject
  /** The peer's chunks. */
  readonly theirs: Bitfield
  readonly preferred: boolean
  readonly #hasLost: boolean
  /** When the peer last sent anything or was sent a chunk, in milliseconds. */
  usedAt = Date.now()
  readonly #components: SessionComponents
  readonly #sender: ChunkSender
  readonly #receiver: ChunkReceiver
  readonly #abort = new AbortController()
  /** The chunks that were announced to the peer. */
  readonly #told: Bitfield
  /** How many more losses the peer may tell. */
  #losses: number
  #theyWant: boolean
  #weWant: boolean
  #unannounced: number[] = []
  #announcing: NodeJS.Timeout | undefined
  #lane: Lane | undefined
  #onBroken = () => {}
  #closed = false

  constructor(components: SessionComponents, init: SessionInit) {
    super()
    this.#components = components
    this.subject = init.subject
    this.theirs = init.theirs
    this.preferred = init.preferred ?? false
    this.#hasLost = init.losses ?? true
    this.#losses = maxLossesPerChunk * components.list.count
    this.#theyWant = init.theyWant
    this.#weWant = init.weWant ?? false
    this.#told = init.ours ?? new Bitfield(components.list.count)
    const onSent = (chunk: number) => {
      this.usedAt = Date.now()
      this.theirs.add(chunk)
      this.emit('sent')
    }
    const { signal } = this.#abort
    const onFailed = (reason: unknown) => this.close(reason)
    this.#sender = new ChunkSender(components, { ...init, signal, onSent, onFailed })
    this.#receiver = new ChunkReceiver(components, bytes => this.emit('wasted', bytes))
  }

  /** Whether the peer fetches the closure itself. */
  get theyWant(): boolean {
    return this.#theyWant
  }

  /** Bytes of chunks sent, as on the wire. */
  get sentBytes(): number {
    return this.#sender.sentBytes
  }

  /** Bytes of uncompressed chunks, which windows are counted in. */
  get received(): RateMeter {
    return this.#receiver.received
  }

  get closed(): boolean {
    return this.#closed
  }

  get hasLane(): boolean {
    return this.#lane !== undefined
  }

  /**
   * From now on chunks are sent on this lane, and may come on it. If it ends before the session, the session ends a moment
   * later, and `onBroken` is called: what was under way is lost.
   */
  useLane(lane: Lane, onBroken: () => void): void {
    if (this.#closed || this.#lane !== undefined) {
      lane.close()
      return
    }
    this.#lane = lane
    this.#onBroken = onBroken
    this.#sender.useLane(lane)
    lane.use({
      onChunk: async frame => {
        try {
          this.usedAt = Date.now()
          await this.#takeChunk(frame)
        } catch (thrown) {
          this.close(asMisbehaviour(thrown))
        }
      },
      onEnded: thrown => {
        const reason = asMisbehaviour(thrown)
        if (reason !== thrown) return this.close(reason)
        // The peer may have ended the session, of which its stream tells a moment later.
        setTimeout(() => this.close(reason), laneGraceMs)
      },
    })
  }

  /** Reads frames until the stream ends; never rejects. */
  start(): void {
    void this.#run()
  }

  /** Requests chunks; each is answered by `chunk`, `missing`, `busy` or `closed`. */
  request(chunks: readonly number[]): void {
    const whole: number[] = []
    const from = new Map<string, { recipe: Uint8Array; asks: AskFrom[] }>()
    for (const chunk of chunks) {
      const base = this.#receiver.ask(chunk)
      if (base === undefined) {
        whole.push(chunk)
        continue
      }
      const { recipe, first, count } = base
      const known = from.get(toHex(recipe))
      if (known === undefined) from.set(toHex(recipe), { recipe, asks: [{ chunk, first, count }] })
      else known.asks.push({ chunk, first, count })
    }
    this.#say(whole, numbers => ({ type: 'request', chunks: numbers }))
    for (const { recipe, asks } of from.values()) {
      for (let at = 0; at < asks.length; at += maxAsks) {
        void this.#write({ type: 'requestFrom', recipe, asks: asks.slice(at, at + maxAsks) })
      }
    }
  }

  cancel(chunks: readonly number[]): void {
    this.#say(chunks, numbers => ({ type: 'cancel', chunks: numbers }))
  }

  /** Cancels all pending requests. Chunks that are already on their way still arrive. */
  cancelAll(): void {
    this.cancel(this.#receiver.pending)
  }

  /** Tells the peer whether we fetch the closure, if that has changed. */
  tellWants(wants: boolean): void {
    if (this.#weWant === wants) return
    this.#weWant = wants
    void this.#write({ type: 'ready', wants, bitfield: new Uint8Array() })
  }

  /** Announces a new chunk unless the peer has it already; announcements are batched. */
  announce(chunk: number): void {
    if (this.#closed || this.theirs.has(chunk) || !this.#told.add(chunk)) return
    this.#unannounced.push(chunk)
    this.#announcing ??= setTimeout(() => {
      this.#announcing = undefined
      const chunks = this.#unannounced
      this.#unannounced = []
      this.#say(chunks, numbers => ({ type: 'have', chunks: numbers }))
    }, announceIntervalMs)
  }

  /** Tells that we no longer have chunks that we said we had: from then on the peer tells us when it has them. */
  tellLost(chunks: readonly number[]): void {
    if (this.#closed) return
    const told = chunks.filter(chunk => this.#told.remove(chunk))
    const withdrawn = new Set(told)
    this.#unannounced = this.#unannounced.filter(chunk => !withdrawn.has(chunk))
    if (this.#hasLost) this.#say(told, numbers => ({ type: 'lost', chunks: numbers }))
  }

  /** Nothing has come for too long: if there is a lane, the next session does without. */
  giveUpLane(): void {
    if (this.#lane !== undefined) this.close(new LaneError('timed-out', 'no chunk came on the lane for too long'))
  }

  close(reason: unknown = new SessionError('ended', 'the session was ended')): void {
    if (this.#closed) return
    this.#closed = true
    // The end that sends ends the session first; the other one sees its stream reset while it waits for chunks.
    const isWaiting = this.#weWant && this.#receiver.pending.length > 0
    if (reason instanceof LaneError || (isWaiting && !(reason instanceof SessionError))) this.#onBroken()
    clearTimeout(this.#announcing)
    this.#abort.abort(reason)
    this.#lane?.close()
    this.#components.frames.abort(reason instanceof Error ? reason : new Error(String(reason)))
    this.emit('closed', reason)
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#components.frames.read(this.#abort.signal)
        if (frame === undefined) throw new SessionError('ended', 'the peer ended the session')
        this.usedAt = Date.now()
        await this.#take(frame)
        // The session may have been closed while a chunk was decompressed.
        this.#abort.signal.throwIfAborted()
      }
    } catch (thrown) {
      this.close(asMisbehaviour(thrown))
    }
  }

  async #take(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'ready':
        if (frame.bitfield.length > 0) throw new SessionError('misbehaved', 'expected no second bitfield')
        if (frame.wants === this.#theyWant) return
        this.#theyWant = frame.wants
        this.emit('wants', frame.wants)
        return
      case 'have': {
        const fresh = this.#checked(frame.chunks).filter(chunk => this.theirs.add(chunk))
        if (fresh.length > 0) this.emit('have', fresh)
        return
      }
      case 'request':
        return this.#sender.request(this.#checked(frame.chunks).map(chunk => ({ chunk })))
      case 'requestFrom': {
        this.#checked(frame.asks.map(({ chunk }) => chunk))
        const { recipe, asks } = frame
        return this.#sender.request(asks.map(({ chunk, first, count }) => ({ chunk, base: { recipe, first, count } })))
      }
      case 'cancel':
        return this.#sender.cancel(frame.chunks)
      case 'missing':
        for (const chunk of this.#checked(frame.chunks)) {
          this.theirs.remove(chunk)
          this.#receiver.answered(chunk)
        }
        this.emit('missing', frame.chunks)
        return
      case 'lost':
        if (!this.#hasLost) throw new SessionError('misbehaved', 'expected no lost frame in this version')
        for (const chunk of this.#checked(frame.chunks)) this.theirs.remove(chunk)
        this.#losses -= frame.chunks.length
        if (this.#losses < 0) throw new SessionError('misbehaved', 'it loses its chunks again and again')
        this.emit('lost', frame.chunks)
        return
      case 'busy':
        this.emit('busy', Math.min(frame.milliseconds, maxBusyMs))
        return
      case 'chunk':
        return await this.#takeChunk(frame)
      default:
        throw new SessionError('misbehaved', `expected no ${frame.type} frame here`)
    }
  }

  async #takeChunk(frame: ChunkFrame): Promise<void> {
    const { chunk } = frame
    this.#checked([chunk])
    const bytes = await this.#receiver.take(frame)
    // The peer still has the chunk.
    if (bytes === undefined) this.request([chunk])
    else if (!this.#closed) this.emit('chunk', { chunk, bytes, wire: frame.bytes.length })
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
