/** The peers of one closure and their pending requests, pauses, stalls and rests. */

import type { Bitfield } from '../chunks/bitfield.ts'
import type { SchedulerLimits } from '../limits.ts'
import type { ChunkTable } from './chunk-table.ts'
import { PeerState } from './scheduler-peer.ts'

/** A request for one chunk to one peer. */
export interface Request {
  readonly peer: string
  readonly chunk: number
}

/** Keeps the chunk table consistent with peers' chunks and requests. */
export class PeerPool {
  readonly #table: ChunkTable
  readonly #limits: SchedulerLimits
  readonly #peers = new Map<string, PeerState>()
  /** Chunks that a peer failed to send, with the time from which they may be requested from it again, oldest first. */
  #pauses: { peer: PeerState; chunk: number; until: number }[] = []
  /** Pending requests to remote peers. */
  uplinkFlights = 0
  failures = 0

  constructor(table: ChunkTable, limits: SchedulerLimits) {
    this.#table = table
    this.#limits = limits
  }

  get size(): number {
    return this.#peers.size
  }

  get all(): PeerState[] {
    return [...this.#peers.values()]
  }

  get(id: string): PeerState | undefined {
    return this.#peers.get(id)
  }

  add(id: string, local: boolean): void {
    if (this.#peers.has(id) || this.#peers.size >= this.#limits.maxPeers) return
    this.#peers.set(id, new PeerState(id, local, this.#table.lengths.length, this.#limits.windowBytes))
  }

  remove(peer: PeerState, now: number): void {
    this.#peers.delete(peer.id)
    this.#pauses = this.#pauses.filter(pause => pause.peer !== peer)
    for (const chunk of [...peer.flights.keys()]) this.drop(peer, chunk, now)
    if (peer.usable) this.#table.addCopies(peer, -1, now)
    this.feed()
  }

  /** The peer has one more chunk. Returns whether that is new. */
  addHave(peer: PeerState, chunk: number, now: number): boolean {
    if (!peer.has.add(chunk)) return false
    peer.starved = false
    if (peer.usable) this.#table.addCopy(peer, chunk, 1, now)
    return true
  }

  /** The peer has a chunk no longer; what it was asked of it is asked elsewhere. */
  removeHave(peer: PeerState, chunk: number, now: number): void {
    this.drop(peer, chunk, now)
    if (!peer.has.remove(chunk)) return
    const wasPaused = peer.lost.delete(chunk)
    if (peer.usable && !wasPaused) this.#table.addCopy(peer, chunk, -1, now)
    this.feed()
  }

  addHaves(peer: PeerState, what: Bitfield | 'all', now: number): void {
    for (let chunk = 0; chunk < this.#table.lengths.length; chunk++) {
      if (what === 'all' || what.has(chunk)) this.addHave(peer, chunk, now)
    }
  }

  send(peer: PeerState, chunk: number, now: number): void {
    if (!peer.local && this.uplinkFlights++ === 0) this.#table.leases.startOwn(now)
    peer.send(chunk, this.#table.lengthOf(chunk), now)
    this.#table.addAsked(chunk, 1)
    this.#table.addAwaited(chunk, 1, now)
  }

  /** Forgets a request. Returns when it was sent; undefined if there was none. */
  drop(peer: PeerState, chunk: number, now: number): number | undefined {
    const sentAt = peer.drop(chunk, this.#table.lengthOf(chunk))
    if (sentAt === undefined) return undefined
    if (!peer.local) this.uplinkFlights--
    this.#table.addAsked(chunk, -1)
    if (peer.usable) this.#table.addAwaited(chunk, -1, now)
    return sentAt
  }

  /** Forgets all requests for a chunk, or those to remote peers. Returns them, to be cancelled. */
  dropAll(chunk: number, now: number, onlyRemote = false): Request[] {
    if (this.#table.asked[chunk] === 0) return []
    const dropped: Request[] = []
    for (const peer of this.#peers.values()) {
      if (onlyRemote && peer.local) continue
      if (this.drop(peer, chunk, now) !== undefined) dropped.push({ peer: peer.id, chunk })
    }
    return dropped
  }

  /** The peer sent a chunk. Returns whether that answered a request. */
  answered(peer: PeerState, chunk: number, now: number): boolean {
    const sentAt = this.drop(peer, chunk, now)
    if (sentAt === undefined) return false
    peer.answered(sentAt, now)
    this.#setUsable(peer, { stalled: false, resting: false }, now)
    return true
  }

  /** The peer failed to send a chunk; for one that it has told as lost before, it did not fail. */
  failed(peer: PeerState, chunk: number, now: number): void {
    const wasAsked = this.drop(peer, chunk, now) !== undefined
    if (!wasAsked && !peer.has.has(chunk)) return
    this.failures++
    if (peer.has.has(chunk) && !peer.lost.has(chunk)) {
      if (peer.usable) this.#table.addCopy(peer, chunk, -1, now)
      const until = now + this.#limits.failedPauseMs
      peer.lost.set(chunk, until)
      this.#pauses.push({ peer, chunk, until })
    }
    if (peer.failed(now, this.#limits)) this.#setUsable(peer, { resting: true }, now)
    this.feed()
  }

  /** Advances the time: ends pauses and rests, and detects stalled peers. Returns requests that timed out. */
  check(now: number): Request[] {
    this.#endPauses(now)
    const timedOut: Request[] = []
    for (const peer of this.#peers.values()) {
      if (peer.resting && now >= peer.restUntil) this.#setUsable(peer, { resting: false }, now)
      if (peer.oldestAt === undefined) {
        this.#setUsable(peer, { stalled: false }, now)
        continue
      }
      if (peer.local && now >= this.#stallsAt(peer)) this.#setUsable(peer, { stalled: true }, now)
      // A peer that answers other requests is slow, not gone.
      if (now < peer.heardAt + this.#limits.requestTimeoutMs) continue
      for (const [chunk, sentAt] of [...peer.flights]) {
        if (now < sentAt + this.#limits.requestTimeoutMs) break
        timedOut.push({ peer: peer.id, chunk })
        this.failed(peer, chunk, now)
      }
    }
    return timedOut
  }

  /** When `check` must run next; Infinity if nothing is due. */
  wakeAt(now: number): number {
    let at = this.#pauses[0]?.until ?? Number.POSITIVE_INFINITY
    for (const peer of this.#peers.values()) {
      if (peer.resting) at = Math.min(at, peer.restUntil)
      if (peer.busyUntil > now) at = Math.min(at, peer.busyUntil)
      if (peer.oldestAt === undefined) continue
      at = Math.min(at, Math.max(peer.heardAt, peer.oldestAt) + this.#limits.requestTimeoutMs)
      if (peer.local && !peer.stalled) at = Math.min(at, this.#stallsAt(peer))
    }
    return at
  }

  /** Clears `starved`: new chunks may be available to every peer. */
  feed(): void {
    for (const peer of this.#peers.values()) peer.starved = false
  }

  /** Ends the pauses that are over: the chunk may be requested from that peer again. */
  #endPauses(now: number): void {
    let over = 0
    for (; (this.#pauses[over]?.until ?? Number.POSITIVE_INFINITY) <= now; over++) {
      const { peer, chunk, until } = this.#pauses[over] as { peer: PeerState; chunk: number; until: number }
      // The chunk was lost meanwhile, and perhaps failed again: then another pause counts.
      if (peer.lost.get(chunk) !== until) continue
      peer.lost.delete(chunk)
      peer.starved = false
      if (peer.usable) this.#table.addCopy(peer, chunk, 1, now)
    }
    if (over > 0) this.#pauses = this.#pauses.slice(over)
  }

  #stallsAt(peer: PeerState): number {
    return peer.heardAt + Math.max(this.#limits.stallMs, this.#limits.slowFactor * (peer.serviceMs ?? 0))
  }

  /** The chunks of an unusable peer don't count, and its pending requests may be repeated elsewhere. */
  #setUsable(peer: PeerState, change: { stalled?: boolean; resting?: boolean }, now: number): void {
    const before = peer.usable
    peer.stalled = change.stalled ?? peer.stalled
    peer.resting = change.resting ?? peer.resting
    if (peer.usable === before) return
    const sign = peer.usable ? 1 : -1
    for (const chunk of peer.flights.keys()) this.#table.addAwaited(chunk, sign, now)
    this.#table.addCopies(peer, sign, now)
    this.feed()
  }
}
