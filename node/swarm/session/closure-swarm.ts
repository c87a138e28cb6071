/** One closure's swarm on this peer: sessions with other peers, local chunks and, during a fetch, the scheduler. */

import { EventEmitter } from 'node:events'
import type { Subject } from '../../concurrency/fair-places.ts'
import type { Logger } from '../../process/log.ts'
import type { Bitfield } from '../chunks/bitfield.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import { askEarlyBelow, longestPauseMs, windowMaxBytes, windowMinBytes } from '../limits.ts'
import { byPeer } from '../schedule/by-peer.ts'
import { Scheduler } from '../schedule/scheduler.ts'
import type { UplinkAllowance } from '../schedule/uplink-allowance.ts'
import type { Arrival, SwarmPeer } from './arrival.ts'
import { AskTurns } from './ask-turns.ts'
import type { Session } from './session.ts'
import { SessionError } from './session-error.ts'

interface Events {
  arrival: [Arrival]
  /** Local chunks have turned up. */
  found: [readonly number[]]
  /** Bytes of redundant or invalid chunks. */
  wasted: [number]
  /** A peer violated the protocol. */
  misbehaved: [SwarmPeer, string]
}

export interface ClosureSwarmComponents {
  list: ChunkList
  chunks: ChunkStore
  /** Bounds what comes over the uplink. */
  uplink?: UplinkAllowance | undefined
  log: Logger
}

export class ClosureSwarm extends EventEmitter<Events> {
  readonly list: ChunkList
  /** When a chunk was last sent or received, or a fetch ended, in milliseconds. */
  usedAt = Date.now()
  /** Until when a peer with chunks has asked us to wait. */
  busyUntil = 0
  readonly #chunks: ChunkStore
  readonly #uplink: UplinkAllowance | undefined
  readonly #log: Logger
  readonly #self: string
  readonly #sessions = new Map<string, { session: Session; peer: SwarmPeer }>()
  readonly #waiting = new Map<number, Set<() => void>>()
  /** Chunks that arrived and are being staged. */
  readonly #staging = new Set<number>()
  #scheduler: Scheduler | undefined
  /** Running fetches: the device's own, and those of the loopback cache. */
  #fetchers = 0
  #failed: unknown
  readonly #turns = new AskTurns(() => this.#ask())

  constructor({ list, chunks, uplink, log }: ClosureSwarmComponents, init: { self: string }) {
    super()
    this.list = list
    this.#chunks = chunks
    this.#uplink = uplink
    this.#log = log
    this.#self = init.self
  }

  get fetching(): boolean {
    return this.#scheduler !== undefined
  }

  hasSession(peer: string): boolean {
    return this.#sessions.has(peer)
  }

  session(peer: string): Session | undefined {
    return this.#sessions.get(peer)?.session
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  /** The peers of all sessions. */
  get subjects(): Subject[] {
    return [...this.#sessions.values()].map(({ session }) => session.subject)
  }

  /** Whether this peer or another one fetches it. */
  get isWanted(): boolean {
    return this.fetching || [...this.#sessions.values()].some(({ session }) => session.theyWant)
  }

  /** The number of pending requests. */
  get inFlight(): number {
    return this.#scheduler?.inFlight ?? 0
  }

  /** Wanted chunks that have not arrived. */
  get remaining(): number {
    return this.#scheduler?.remaining ?? 0
  }

  /** Whether a connected peer has any chunks. */
  get hasSources(): boolean {
    return [...this.#sessions.values()].some(({ session }) => session.theirs.count > 0)
  }

  /** Adds a session after its handshake. Of two sessions with one peer the preferred one stays, else the newer one. */
  attach(session: Session, peer: SwarmPeer): void {
    const before = this.#sessions.get(peer.id)?.session
    if (before?.preferred === true && !session.preferred) {
      session.close(new SessionError('ended', 'the session that the other side opened stays'))
      return
    }
    before?.close(new SessionError('ended', 'replaced by a newer session'))
    this.#sessions.set(peer.id, { session, peer })
    const scheduler = () => this.#scheduler
    session.on('have', chunks => {
      for (const chunk of chunks) scheduler()?.peerHas(peer.id, chunk, Date.now())
      this.#pump()
    })
    session.on('wants', () => {
      this.#introduce(session, peer)
      this.#pump()
    })
    session.on('sent', () => {
      this.usedAt = Date.now()
    })
    session.on('wasted', bytes => this.emit('wasted', bytes))
    session.on('chunk', arrived => void this.#arrived(session, peer, arrived))
    session.on('missing', chunks => {
      for (const chunk of chunks) scheduler()?.failed(peer.id, chunk, Date.now())
      this.#pump()
    })
    session.on('lost', chunks => {
      for (const chunk of chunks) {
        scheduler()?.peerLost(peer.id, chunk, Date.now())
        if (this.#chunks.has(chunk)) session.announce(chunk)
      }
      this.#pump()
    })
    session.on('busy', milliseconds => {
      this.busyUntil = Date.now() + milliseconds
      scheduler()?.busy(peer.id, this.busyUntil)
      this.#pump()
    })
    session.on('closed', reason => {
      if (this.#sessions.get(peer.id)?.session !== session) return
      this.#sessions.delete(peer.id)
      scheduler()?.removePeer(peer.id, Date.now())
      if (reason instanceof SessionError && reason.code === 'misbehaved') this.emit('misbehaved', peer, reason.message)
      this.#pump()
    })
    this.#introduce(session, peer)
    this.#catchUp(session)
    session.start()
    this.#pump()
  }

  /** Starts fetching chunks, in this order of urgency, beside other fetches; call `endFetch` once afterwards. */
  fetch(wanted: Iterable<number>): void {
    this.#fetchers++
    this.#failed = undefined
    const begins = this.#scheduler === undefined
    this.#scheduler ??= new Scheduler({ self: this.#self, lengths: this.list.lengths, uplink: this.#uplink })
    this.#scheduler.want(wanted)
    for (const { session, peer } of begins ? this.#sessions.values() : []) {
      session.tellWants(true)
      this.#introduce(session, peer)
    }
    this.#pump()
  }

  /** Requests more chunks in a running fetch. */
  want(chunks: Iterable<number>): void {
    this.#scheduler?.want(chunks)
    this.#pump()
  }

  /** No fetch needs these chunks any more. */
  unwant(chunks: Iterable<number>): void {
    for (const chunk of chunks) if (!this.#chunks.has(chunk)) this.#scheduler?.unwant(chunk)
    this.#pump()
  }

  /** Ends one fetch. After the last one nothing is requested any more, but sessions stay open for serving. */
  endFetch(): void {
    this.#fetchers = Math.max(0, this.#fetchers - 1)
    if (this.#fetchers === 0) this.#endAll(undefined)
  }

  /**
   * Resolves when a chunk can be read here; requests it if needed. Rejects with the signal's reason, when fetching
   * ends first, or when chunks can't be staged.
   */
  async available(chunk: number, signal?: AbortSignal): Promise<void> {
    while (!this.#chunks.has(chunk)) {
      signal?.throwIfAborted()
      if (this.#failed !== undefined) throw this.#failed
      if (this.#scheduler === undefined) throw new SessionError('ended', 'the fetch has ended')
      // It was here and has vanished: for example, the garbage collector took its path.
      if (!this.#staging.has(chunk)) this.#scheduler.want([chunk])
      this.#pump()
      await this.#arrival(chunk, signal)
    }
  }

  async #arrival(chunk: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = this.#waiting.get(chunk) ?? new Set()
    this.#waiting.set(chunk, waiting)
    waiting.add(resolve)
    const aborted = () => resolve()
    signal?.addEventListener('abort', aborted, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', aborted)
      waiting.delete(resolve)
      if (waiting.size === 0 && this.#waiting.get(chunk) === waiting) this.#waiting.delete(chunk)
    }
  }

  #endAll(reason: unknown): void {
    this.usedAt = Date.now()
    this.#scheduler = undefined
    for (const { session } of this.#sessions.values()) {
      session.cancelAll()
      session.tellWants(false)
    }
    this.#turns.stop()
    this.#failed = reason
    const waiting = [...this.#waiting.values()].flatMap(each => [...each])
    for (const wake of waiting) wake()
  }

  /** Announces new local chunks to all peers. */
  announce(chunk: number): void {
    for (const { session } of this.#sessions.values()) session.announce(chunk)
  }

  /** Local chunks have turned up: nobody is asked for them any more, and all peers learn of them. */
  found(chunks: readonly number[]): void {
    for (const chunk of chunks) {
      if (!this.#chunks.has(chunk)) continue
      this.#scheduler?.unwant(chunk)
      this.announce(chunk)
      for (const wake of this.#waiting.get(chunk) ?? []) wake()
      this.#waiting.delete(chunk)
    }
    this.emit('found', chunks)
    this.#pump()
  }

  /** Tells all peers about local chunks that have vanished. */
  lost(chunks: readonly number[]): void {
    const gone = chunks.filter(chunk => !this.#chunks.has(chunk))
    for (const { session } of this.#sessions.values()) session.tellLost(gone)
  }

  /** Ends sessions that neither side needs: streams are limited, and an unused closure occupies memory. */
  closeIdle(before: number): void {
    if (this.fetching) return
    for (const { session } of [...this.#sessions.values()]) {
      if (!session.theyWant && session.usedAt < before)
        session.close(new SessionError('ended', 'the session is not needed'))
    }
  }

  close(): void {
    this.#endAll(new SessionError('ended', 'the swarm is closed'))
    for (const { session } of [...this.#sessions.values()]) {
      session.close(new SessionError('ended', 'the swarm is closed'))
    }
  }

  #introduce(session: Session, peer: SwarmPeer): void {
    const scheduler = this.#scheduler
    if (scheduler === undefined) return
    scheduler.addPeer({ id: peer.id, local: peer.local }, Date.now())
    scheduler.peerWants(peer.id, session.theyWant && !session.theirs.isFull)
    scheduler.peerHas(peer.id, session.theirs.isFull ? 'all' : (session.theirs as Bitfield), Date.now())
  }

  /** Sends what has changed since the handshake: our chunks, and whether we fetch. */
  #catchUp(session: Session): void {
    session.tellWants(this.fetching)
    for (let chunk = 0; chunk < this.list.count; chunk++) if (this.#chunks.has(chunk)) session.announce(chunk)
  }

  async #arrived(
    session: Session,
    peer: SwarmPeer,
    { chunk, bytes, wire }: { chunk: number; bytes: Uint8Array; wire: number },
  ): Promise<void> {
    this.usedAt = Date.now()
    if (this.#uplink?.counts(peer.id)) this.#uplink.spend(wire, Date.now())
    const scheduler = this.#scheduler
    if (scheduler === undefined) return
    const rate = session.received.bytesPerSecond()
    scheduler.setWindow(peer.id, Math.min(windowMaxBytes, Math.max(windowMinBytes, rate)))
    const { duplicatesToCancel } = scheduler.received(peer.id, chunk, Date.now())
    for (const { peer: other, chunk: number } of duplicatesToCancel) this.#sessions.get(other)?.session.cancel([number])
    this.#pumpSoon(scheduler)
    if (this.#staging.has(chunk) || this.#chunks.has(chunk)) {
      this.emit('wasted', bytes.length)
      return
    }
    this.#staging.add(chunk)
    try {
      await this.#chunks.put(chunk, bytes)
    } catch (thrown) {
      this.#log.warn({ reason: String(thrown) }, 'a chunk could not be staged')
      if (this.#scheduler === scheduler) this.#endAll(thrown)
      return
    } finally {
      this.#staging.delete(chunk)
    }
    if (this.#chunks.has(chunk)) {
      this.emit('arrival', { peer, chunk, bytes: bytes.length, wire })
      this.announce(chunk)
    } else this.emit('wasted', bytes.length)
    for (const wake of this.#waiting.get(chunk) ?? []) wake()
    this.#waiting.delete(chunk)
  }

  #pump(): void {
    if (this.#scheduler !== undefined) this.#turns.next()
  }

  /** Of chunks that arrive one after the other, the next ones are asked for together: each frame costs both sides a turn. */
  #pumpSoon(scheduler: Scheduler): void {
    if (scheduler.inFlight < askEarlyBelow) this.#turns.next()
    else this.#turns.soon()
  }

  #ask(): void {
    const scheduler = this.#scheduler
    if (scheduler === undefined) return
    const { requests, cancels, wakeAt } = scheduler.next(Date.now())
    for (const peer of scheduler.takeSilent()) this.#sessions.get(peer)?.session.giveUpLane()
    for (const [peer, chunks] of byPeer(cancels)) this.#sessions.get(peer)?.session.cancel(chunks)
    for (const [peer, chunks] of byPeer(requests)) this.#sessions.get(peer)?.session.request(chunks)
    // A budget that is used up is no lack of sources.
    this.busyUntil = Math.max(this.busyUntil, scheduler.pausedUntil ?? 0)
    if (wakeAt === undefined) this.#turns.sleep()
    else this.#turns.wakeIn(Math.min(longestPauseMs, Math.max(10, wakeAt - Date.now())))
  }
}
