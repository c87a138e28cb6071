/** Rarest first with a bounded look-ahead: chooses which of the next chunks to request from a local peer. */

import type { RankSet } from './rank-set.ts'
import { mix } from './rendezvous.ts'
import type { PeerState } from './scheduler-peer.ts'

/** The scheduler's tables that it reads. */
export interface LookAheadTables {
  /** Ranks of the chunks to request that a local peer has. */
  readonly open: RankSet
  readonly chunkAt: Uint32Array
  readonly lengths: Uint32Array
  /** How many local peers have each chunk. */
  readonly copies: Uint16Array
}

export interface LookAheadLimits {
  readonly lookAheadChunks: number
  readonly lookAheadBytes: number
  readonly searchChunks: number
}

/**
 * Holds the next chunks in the order, sorted by rarity, and sorts again only when half of them are gone: a choice
 * takes a few steps, and new copies are taken into account a little late.
 */
export class LookAhead {
  readonly #tables: LookAheadTables
  readonly #limits: LookAheadLimits
  /** Differs by device, so that devices request different chunks of equal rarity. */
  readonly #salt: number
  #ranks: number[] = []
  /** The rank after the last examined one. */
  #end = 0

  constructor(tables: LookAheadTables, limits: LookAheadLimits, salt: number) {
    this.#tables = tables
    this.#limits = limits
    this.#salt = salt
  }

  /**
   * Call it before choosing. `inOrder` if no other local peer fetches, so that chunks of equal rarity needn't be
   * randomised. Returns whether there are new chunks to choose from.
   */
  refill(inOrder = false): boolean {
    const { open } = this.#tables
    if (this.#ranks.length * 2 > this.#limits.lookAheadChunks) return false
    this.#ranks = this.#ranks.filter(rank => open.has(rank))
    if (this.#ranks.length === open.count || this.#ranks.length * 2 > this.#limits.lookAheadChunks) return false
    this.#sort(inOrder)
    return true
  }

  /** Chunks of earlier rounds come first; otherwise unlucky ones might always come last, and no path would complete. */
  #sort(inOrder: boolean): void {
    const { open, chunkAt, lengths, copies } = this.#tables
    const keyed: { rank: number; isNew: number; rarity: number; tie: number }[] = []
    const before = this.#end
    let bytes = 0
    let rank = open.next(0)
    while (rank >= 0 && keyed.length < this.#limits.lookAheadChunks && bytes < this.#limits.lookAheadBytes) {
      const chunk = chunkAt[rank] as number
      const isNew = rank < before ? 0 : 1
      keyed.push({ rank, isNew, rarity: copies[chunk] as number, tie: inOrder ? rank : mix(chunk ^ this.#salt) })
      bytes += lengths[chunk] as number
      this.#end = rank + 1
      rank = open.next(this.#end)
    }
    keyed.sort((a, b) => a.isNew - b.isNew || a.rarity - b.rarity || a.tie - b.tie)
    this.#ranks = keyed.map(each => each.rank)
  }

  /** The rarest of the next chunks that this peer has; if there is none, the first one a little further on. */
  pick(peer: PeerState): number | undefined {
    const { open, chunkAt } = this.#tables
    for (let at = 0; at < this.#ranks.length; at++) {
      const rank = this.#ranks[at] as number
      const chunk = chunkAt[rank] as number
      if (!open.has(rank)) this.#ranks.splice(at--, 1)
      else if (peer.canGive(chunk)) return chunk
    }
    return firstFor(peer, open, chunkAt, this.#end, this.#limits.searchChunks)
  }
}

/** The first chunk from a rank on that a peer has; examines at most `search` chunks. */
export function firstFor(
  peer: PeerState,
  open: RankSet,
  chunkAt: Uint32Array,
  from: number,
  search: number,
): number | undefined {
  let rank = open.next(from)
  for (let looked = 0; rank >= 0 && looked < search; looked++) {
    const chunk = chunkAt[rank] as number
    if (peer.canGive(chunk)) return chunk
    rank = open.next(rank + 1)
  }
  return undefined
}
