/** Scores peers: limits the rate of each peer's requests, and drops peers that violate the protocol repeatedly. */

import { LRUCache } from 'lru-cache'
import { TokenBucket } from '../../concurrency/token-bucket.ts'
import type { Logger } from '../../process/log.ts'
import { faultsPerPeer, faultsPerSecond, requestRates, scoredPeers } from '../limits.ts'

export type RequestKind = keyof typeof requestRates

interface Watched {
  readonly faults: TokenBucket
  readonly asked: Map<RequestKind, TokenBucket>
  /** Violations since the peer was dropped last; for gossipsub's score. */
  count: number
}

export class PeerScore {
  readonly #log: Logger
  readonly #drop: (peer: string) => void
  readonly #now: (() => number) | undefined
  /** The most recently active peers, whether connected or not. */
  readonly #watched = new LRUCache<string, Watched>({ max: scoredPeers })

  constructor(components: { log: Logger; drop: (peer: string) => void; now?: () => number }) {
    this.#log = components.log
    this.#drop = components.drop
    this.#now = components.now
  }

  /** Takes one request from a peer's rate limit; false if it is used up. */
  allowRequest(peer: string, asked: RequestKind): boolean {
    const watched = this.#watch(peer)
    const budget = watched.asked.get(asked) ?? this.#budget(requestRates[asked])
    watched.asked.set(asked, budget)
    return budget.take()
  }

  /**
   * Counts a protocol violation, which an honest peer doesn't commit. After too many the peer is dropped, and refused
   * for a while.
   */
  penalize(peer: string, what: string): void {
    const watched = this.#watch(peer)
    watched.count++
    this.#log.debug({ peer, what }, 'a peer misbehaved')
    if (watched.faults.take()) return
    this.#log.warn({ peer, what }, 'a peer violated the protocol too often and is dropped')
    watched.count = 0
    this.#drop(peer)
  }

  /** The application score for gossipsub: negative before the peer is dropped. */
  score(peer: string): number {
    return 0 - 10 * (this.#watched.peek(peer)?.count ?? 0)
  }

  #watch(peer: string): Watched {
    const watched = this.#watched.get(peer) ?? {
      faults: this.#budget({ most: faultsPerPeer, perSecond: faultsPerSecond }),
      asked: new Map(),
      count: 0,
    }
    this.#watched.set(peer, watched)
    return watched
  }

  #budget(rate: { most: number; perSecond: number }): TokenBucket {
    return new TokenBucket({ ...rate, ...(this.#now && { now: this.#now }) })
  }
}
