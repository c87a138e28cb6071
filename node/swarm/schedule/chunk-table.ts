/**
 * The scheduler's chunk table: the order of wanted chunks, the number of their copies, and the chunks left to
 * request.
 */

import type { SchedulerLimits } from '../limits.ts'
import { Leases } from './leases.ts'
import { RankSet } from './rank-set.ts'
import type { PeerState } from './scheduler-peer.ts'

const unranked = 0xffff_ffff

/** Indexed by chunk number, except for sets that follow the order: those hold ranks (positions in the order). */
export class ChunkTable {
  readonly lengths: Uint32Array
  readonly chunkAt: Uint32Array
  readonly #rankOf: Uint32Array
  #ranks = 0
  readonly #wanted: Uint8Array
  wantedCount = 0
  wantedBytes = 0
  /** Wanted chunks without a pending request to a responsive peer. */
  unaskedCount = 0
  /** How many local and how many remote peers have each chunk. */
  readonly localCopies: Uint16Array
  readonly #remoteCopies: Uint16Array
  /** How many peers were asked for each chunk, and how many of them are expected to answer. */
  readonly asked: Uint8Array
  readonly #awaited: Uint8Array
  /** Chunks to request from local peers, and by us over the uplink. */
  readonly openLocal: RankSet
  readonly openUplink: RankSet
  readonly #absent: RankSet
  readonly leases: Leases

  constructor(self: string, lengths: Uint32Array, limits: SchedulerLimits) {
    const count = lengths.length
    this.lengths = lengths
    this.chunkAt = new Uint32Array(count)
    this.#rankOf = new Uint32Array(count).fill(unranked)
    this.#wanted = new Uint8Array(count)
    this.localCopies = new Uint16Array(count)
    this.#remoteCopies = new Uint16Array(count)
    this.asked = new Uint8Array(count)
    this.#awaited = new Uint8Array(count)
    this.openLocal = new RankSet(count)
    this.openUplink = new RankSet(count)
    this.#absent = new RankSet(count)
    this.leases = new Leases(self, { absent: this.#absent, chunkAt: this.chunkAt, lengths }, limits)
  }

  lengthOf(chunk: number): number {
    return this.lengths[chunk] as number
  }

  isWanted(chunk: number): boolean {
    return this.#wanted[chunk] === 1
  }

  /** Whether a local peer has it. */
  isNear(chunk: number): boolean {
    return this.localCopies[chunk] !== 0
  }

  /** A chunk that was wanted before keeps its place in the order. */
  setWanted(chunk: number, wanted: boolean, now: number): void {
    if (this.isWanted(chunk) === wanted) return
    if (this.#rankOf[chunk] === unranked) {
      this.#rankOf[chunk] = this.#ranks
      this.chunkAt[this.#ranks++] = chunk
    }
    const sign = wanted ? 1 : -1
    this.#wanted[chunk] = wanted ? 1 : 0
    this.wantedCount += sign
    this.wantedBytes += sign * this.lengthOf(chunk)
    if (this.#awaited[chunk] === 0) this.unaskedCount += sign
    this.#refresh(chunk, now)
  }

  /** Counts one copy more or less of a chunk. */
  addCopy(peer: PeerState, chunk: number, change: 1 | -1, now: number): void {
    const copies = peer.local ? this.localCopies : this.#remoteCopies
    const before = copies[chunk] as number
    copies[chunk] = before + change
    // Only the first and the last copy change what can be requested.
    if (before === 0 || before + change === 0) this.#refresh(chunk, now)
  }

  /**
   * Counts all copies of a peer that connected, left, or became stalled or responsive. Costs a pass over the chunks.
   */
  addCopies(peer: PeerState, change: 1 | -1, now: number): void {
    for (let chunk = 0; chunk < this.lengths.length; chunk++) {
      if (peer.has.has(chunk) && !peer.lost.has(chunk)) this.addCopy(peer, chunk, change, now)
    }
  }

  /** A request was sent, answered or dropped. */
  addAsked(chunk: number, change: 1 | -1): void {
    this.asked[chunk] = (this.asked[chunk] as number) + change
  }

  /** A request is expected to be answered, or no longer. */
  addAwaited(chunk: number, change: 1 | -1, now: number): void {
    const before = this.#awaited[chunk] as number
    this.#awaited[chunk] = before + change
    if (before !== 0 && before + change !== 0) return
    if (this.isWanted(chunk)) this.unaskedCount -= change
    this.#refresh(chunk, now)
  }

  /** Reassigns chunks after members have changed. Costs a pass over the absent ones. */
  reassign(now: number): void {
    this.leases.reassign(now)
    this.refreshAbsent()
  }

  /** Updates chunks that were reassigned. */
  refreshAbsent(): void {
    for (let rank = this.#absent.next(0); rank >= 0; rank = this.#absent.next(rank + 1)) {
      const chunk = this.chunkAt[rank] as number
      this.openUplink.toggle(rank, this.#awaited[chunk] === 0 && this.leases.isMine(chunk))
    }
  }

  #refresh(chunk: number, now: number): void {
    const rank = this.#rankOf[chunk] as number
    if (rank === unranked) return
    const wanted = this.isWanted(chunk)
    const near = this.isNear(chunk)
    const absent = wanted && !near && this.#remoteCopies[chunk] !== 0
    if (this.#absent.toggle(rank, absent)) this.leases.place(chunk, absent, now)
    const open = wanted && this.#awaited[chunk] === 0
    this.openLocal.toggle(rank, open && near)
    this.openUplink.toggle(rank, open && absent && this.leases.isMine(chunk))
  }
}
