/**
 * The scheduler: decides which chunk to request from which peer, and when. Pure: no I/O, no timers, time is passed
 * in.
 */

import type { Bitfield } from '../chunks/bitfield.ts'
import { defaultSchedulerLimits, type SchedulerLimits } from '../limits.ts'
import { ChunkTable } from './chunk-table.ts'
import { duplicates, type EndGameView, slowAt } from './end-game.ts'
import { firstFor, LookAhead } from './look-ahead.ts'
import { PeerPool, type Request } from './peer-pool.ts'
import type { PeerState } from './scheduler-peer.ts'
import type { UplinkAllowance } from './uplink-allowance.ts'

export interface SchedulerInit {
  /** Our own peer ID. */
  readonly self: string
  /** Bytes of each chunk of the closure. */
  readonly lengths: Uint32Array
  readonly limits?: Partial<SchedulerLimits>
  /** Bounds what is asked of peers behind the uplink; without it, nothing does. */
  readonly uplink?: UplinkAllowance | undefined
  /** From 0 up to 1; breaks ties between equally rare chunks. */
  readonly random?: () => number
}

export interface SchedulerPeer {
  readonly id: string
  /** It belongs to our site. */
  readonly local: boolean
}

export type { Request }

export interface SchedulerStep {
  /** To send now. */
  readonly requests: Request[]
  /** Requests that are no longer needed. */
  readonly cancels: Request[]
  /** When to call `next` again at the latest; undefined if only an event can change anything. */
  readonly wakeAt: number | undefined
}

export interface SchedulerStats {
  readonly peers: number
  /** Local peers that fetch the closure, including ourselves, and how many of them let their lease expire. */
  readonly members: number
  readonly lapsed: number
  readonly localBytes: number
  readonly uplinkBytes: number
  readonly duplicates: number
  readonly failures: number
}

/**
 * One for each closure being fetched. After every event, `next` returns what to do. All times are in ms of one clock.
 */
export class Scheduler {
  readonly #limits: SchedulerLimits
  readonly #table: ChunkTable
  readonly #pool: PeerPool
  readonly #lookAhead: LookAhead
  readonly #uplink: UplinkAllowance | undefined
  #cancels: Request[] = []
  #silent: string[] = []
  #membersChanged = false
  #now = 0
  #stats = { localBytes: 0, uplinkBytes: 0, duplicates: 0 }

  constructor(init: SchedulerInit) {
    this.#limits = { ...defaultSchedulerLimits, ...init.limits }
    this.#uplink = init.uplink
    this.#table = new ChunkTable(init.self, init.lengths, this.#limits)
    this.#pool = new PeerPool(this.#table, this.#limits)
    const { openLocal: open, chunkAt, lengths, localCopies: copies } = this.#table
    const salt = Math.floor((init.random ?? Math.random)() * 2 ** 32)
    this.#lookAhead = new LookAhead({ open, chunkAt, lengths, copies }, this.#limits, salt)
  }

  /** The number of wanted chunks that aren't here yet. */
  get remaining(): number {
    return this.#table.wantedCount
  }

  /** The number of pending requests. */
  get inFlight(): number {
    return this.#pool.all.reduce((count, peer) => count + peer.flights.size, 0)
  }

  get stats(): SchedulerStats {
    const members = this.#table.leases.members
    const lapsed = members.filter(member => member.lapsed).length
    const { size: peers, failures } = this.#pool
    return { ...this.#stats, peers, failures, members: members.length, lapsed }
  }

  /** Adds wanted chunks, in the order in which they are needed, behind those wanted before. */
  want(chunks: Iterable<number>): void {
    for (const chunk of chunks) {
      this.#expectChunk(chunk)
      this.#table.setWanted(chunk, true, this.#now)
    }
    this.#pool.feed()
  }

  /**
   * Removes a chunk that is no longer needed, for example because it was found here. Its requests are among the next
   * cancels.
   */
  unwant(chunk: number): void {
    this.#expectChunk(chunk)
    this.#table.setWanted(chunk, false, this.#now)
    this.#cancels.push(...this.#pool.dropAll(chunk, this.#now))
  }

  /** Adds a source of chunks; ignored beyond `maxPeers`. */
  addPeer(peer: SchedulerPeer, now: number): void {
    this.#advance(now)
    this.#pool.add(peer.id, peer.local)
  }

  /** The peer is gone: its pending requests are repeated elsewhere. */
  removePeer(id: string, now: number): void {
    this.#advance(now)
    const peer = this.#pool.get(id)
    if (peer === undefined) return
    this.#pool.remove(peer, now)
    if (this.#table.leases.leave(id)) this.#membersChanged = true
  }

  /** Adds to the chunks that a peer has. */
  peerHas(id: string, what: number | Bitfield | 'all', now: number): void {
    this.#advance(now)
    const peer = this.#pool.get(id)
    if (peer === undefined) return
    if (typeof what === 'number') {
      this.#expectChunk(what)
      this.#addHave(peer, what)
      return
    }
    const isNewSource = !peer.local && peer.has.count === 0
    this.#pool.addHaves(peer, what, now)
    if (!isNewSource) return
    this.#table.leases.restart(now)
    this.#membersChanged = true
  }

  /** A peer has lost a chunk, which isn't a failure. */
  peerLost(id: string, chunk: number, now: number): void {
    this.#advance(now)
    this.#expectChunk(chunk)
    const peer = this.#pool.get(id)
    if (peer !== undefined) this.#pool.removeHave(peer, chunk, now)
  }

  /** Whether a peer fetches the closure, too. Each such local peer fetches its share over the uplink. */
  peerWants(id: string, wants: boolean): void {
    const peer = this.#pool.get(id)
    if (peer === undefined || peer.wants === wants) return
    peer.wants = wants
    if (!peer.local) return
    if (wants) this.#table.leases.join(id, this.#now)
    else this.#table.leases.leave(id)
    this.#membersChanged = true
  }

  /** Sets a peer's window in bytes; kept within the limits. */
  setWindow(id: string, bytes: number): void {
    const peer = this.#pool.get(id)
    if (peer === undefined || Number.isNaN(bytes)) return
    peer.windowBytes = Math.min(Math.max(bytes, this.#limits.minWindowBytes), this.#limits.maxWindowBytes)
  }

  /** A chunk arrived and is valid. The other requests for it are to be cancelled. */
  received(id: string, chunk: number, now: number): { duplicatesToCancel: Request[] } {
    this.#advance(now)
    this.#expectChunk(chunk)
    const peer = this.#pool.get(id)
    if (peer !== undefined) {
      this.#stats[peer.local ? 'localBytes' : 'uplinkBytes'] += this.#table.lengthOf(chunk)
      if (this.#pool.answered(peer, chunk, now) && !peer.local) this.#table.leases.progress(undefined, now)
    }
    const duplicatesToCancel = this.#pool.dropAll(chunk, now)
    this.#table.setWanted(chunk, false, now)
    // Searches are bounded: as the order advances, starved peers may have something to send again.
    if (this.remaining % this.#limits.searchChunks === 0) this.#pool.feed()
    return { duplicatesToCancel }
  }

  /** A peer refused a chunk, sent an invalid one or timed out: it isn't asked for that chunk for a while. */
  failed(id: string, chunk: number, now: number): void {
    this.#advance(now)
    this.#expectChunk(chunk)
    const peer = this.#pool.get(id)
    if (peer !== undefined) this.#pool.failed(peer, chunk, now)
  }

  /** A peer is overloaded: it isn't asked before then, and answers none of its pending requests. */
  busy(id: string, untilMs: number): void {
    const peer = this.#pool.get(id)
    if (peer === undefined) return
    peer.busyUntil = untilMs
    for (const chunk of [...peer.flights.keys()]) this.#pool.drop(peer, chunk, this.#now)
    this.#pool.feed()
  }

  /**
   * The requests to send and to cancel now. Takes a few steps per request, and a pass over the chunks when peers connect or
   * fail.
   */
  next(now: number): SchedulerStep {
    this.#advance(now)
    const timedOut = this.#pool.check(now)
    this.#silent = [...new Set([...this.#silent, ...timedOut.map(({ peer }) => peer)])]
    this.#cancels.push(...timedOut)
    this.#checkLeases(now)
    const requests: Request[] = []
    if (this.remaining > 0) {
      if (this.#lookAhead.refill(this.#table.leases.isAlone)) this.#pool.feed()
      this.#fill(true, requests, peer => this.#lookAhead.pick(peer))
      const { openUplink, chunkAt } = this.#table
      this.#fill(false, requests, peer => firstFor(peer, openUplink, chunkAt, 0, this.#limits.searchChunks))
      for (const { peer, chunk } of duplicates(this.#endGameView(), now)) {
        if (!this.#mayAsk(peer, chunk)) continue
        this.#stats.duplicates++
        this.#send(peer, chunk, requests)
      }
    }
    const cancels = this.#cancels
    this.#cancels = []
    return { requests, cancels, wakeAt: this.remaining > 0 ? this.#wakeAt(now) : undefined }
  }

  /** Peers that let requests time out since the last call: they have sent nothing for a long time. */
  takeSilent(): string[] {
    return this.#silent.splice(0)
  }

  /** Fills the windows of local or remote peers, the emptiest first. */
  #fill(local: boolean, requests: Request[], pick: (peer: PeerState) => number | undefined): void {
    let ready = this.#pool.all.filter(peer => peer.local === local && !peer.starved && peer.isReady(this.#now))
    while (ready.length > 0) {
      const peer = ready.reduce((best, each) => (each.fullness < best.fullness ? each : best))
      const chunk = pick(peer)
      if (chunk === undefined) peer.starved = true
      const fits = chunk !== undefined && peer.fits(this.#table.lengthOf(chunk)) && this.#mayAsk(peer, chunk)
      if (fits) this.#send(peer, chunk, requests)
      else ready = ready.filter(each => each !== peer)
    }
  }

  /** Whether a chunk may come over the uplink now. What was asked for counts with its whole length until it is here. */
  #mayAsk(peer: PeerState, chunk: number): boolean {
    const uplink = this.#uplink
    if (uplink === undefined || !uplink.counts(peer.id)) return true
    const asked = this.#pool.all.reduce((sum, each) => sum + (uplink.counts(each.id) ? each.flightBytes : 0), 0)
    return asked + this.#table.lengthOf(chunk) <= uplink.left(this.#now)
  }

  /** Until when nothing may come over the uplink, if that is all that is left to ask. */
  get pausedUntil(): number | undefined {
    const uplink = this.#uplink
    if (uplink === undefined || this.remaining === 0 || this.inFlight > 0) return undefined
    const isUsed = this.#pool.all.some(({ id, has }) => has.count > 0 && uplink.counts(id))
    return isUsed && uplink.left(this.#now) < uplink.least ? uplink.wakeAt(this.#now) : undefined
  }

  #send(peer: PeerState, chunk: number, requests: Request[]): void {
    this.#pool.send(peer, chunk, this.#now)
    requests.push({ peer: peer.id, chunk })
  }

  #addHave(peer: PeerState, chunk: number): void {
    const isNews = peer.local && this.#table.isWanted(chunk) && !this.#table.isNear(chunk)
    if (!this.#pool.addHave(peer, chunk, this.#now) || !isNews) return
    if (peer.wants && this.#table.leases.progress(peer.id, this.#now)) this.#membersChanged = true
    // If it is on its way to us over the uplink as well, the unsent part of that can be saved.
    if (peer.usable) this.#cancels.push(...this.#pool.dropAll(chunk, this.#now, true))
  }

  #checkLeases(now: number): void {
    const { leases, openUplink } = this.#table
    const waiting = this.#pool.uplinkFlights > 0
    const lapsed = leases.check(now, waiting)
    if (lapsed || this.#membersChanged) {
      this.#membersChanged = false
      leases.meet(id => this.#isAhead(id), now)
      this.#table.reassign(now)
      this.#pool.feed()
    } else if (!waiting && openUplink.count === 0 && !leases.isAlone && leases.handOver(now)) {
      this.#table.refreshAbsent()
      this.#pool.feed()
    }
  }

  /** Whether a peer has chunks that we lack. */
  #isAhead(id: string): boolean {
    const has = this.#pool.get(id)?.has
    if (has === undefined || has.count === 0) return false
    for (let chunk = 0; chunk < has.size; chunk++) if (has.has(chunk) && this.#table.isWanted(chunk)) return true
    return false
  }

  #endGameView(): EndGameView {
    const { lengths, asked, leases, unaskedCount, wantedCount, wantedBytes } = this.#table
    const { endGameChunks, endGameBytes } = this.#limits
    const isLast = unaskedCount === 0 && (wantedCount <= endGameChunks || wantedBytes <= endGameBytes)
    return { peers: this.#pool.all, limits: this.#limits, lengths, asked, isLast, isAlone: leases.isAlone }
  }

  #wakeAt(now: number): number | undefined {
    const waiting = this.#pool.uplinkFlights > 0
    let at = Math.min(this.#pool.wakeAt(now), this.#table.leases.wakeAt(now, waiting))
    const slow = slowAt(this.#endGameView())
    // A slow request without a second source is checked on the next event, not continuously.
    if (slow > now) at = Math.min(at, slow)
    if (this.#uplink !== undefined) at = Math.min(at, this.#uplink.wakeAt(now))
    return Number.isFinite(at) ? Math.max(at, now + 1) : undefined
  }

  #advance(now: number): void {
    this.#now = Math.max(this.#now, now)
  }

  #expectChunk(chunk: number): void {
    if (Number.isInteger(chunk) && chunk >= 0 && chunk < this.#table.lengths.length) return
    throw new RangeError(`expected a chunk below ${this.#table.lengths.length}, got ${chunk}`)
  }
}
