/** How peers behave: what each may ask for in a time, and what happens to one that sends what no honest peer sends. */

import { LRUCache } from 'lru-cache'
import { TokenBucket } from '../../concurrency/token-bucket.ts'
import type { Logger } from '../../process/log.ts'
import { faultsPerPeer, faultsPerSecond, requestRates, scoredPeers } from '../limits.ts'

export type RequestKind = keyof typeof requestRates

interface Watched {
  readonly faults: TokenBucket
  readonly asked: Map<RequestKind, TokenBucket>
  /** Faults since the peer was dropped last; for gossip's score. */
  count: number
}

export class PeerScore {
  readonly #log: Logger
  readonly #drop: (peer: string) => void
  readonly #now: (() => number) | undefined
  /** Those heard of last stay: also when they go and come again. */
  readonly #watched = new LRUCache<string, Watched>({ max: scoredPeers })

  constructor(components: { log: Logger; drop: (peer: string) => void; now?: () => number }) {
    this.#log = components.log
    this.#drop = components.drop
    this.#now = components.now
  }

  /** Whether a peer may ask once more. */
  allowRequest(peer: string, asked: RequestKind): boolean {
    const watched = this.#watch(peer)
    const budget = watched.asked.get(asked) ?? this.#budget(requestRates[asked])
    watched.asked.set(asked, budget)
    return budget.take()
  }

  /** Notes what only a broken or hostile peer does; one that goes on is dropped, and not taken back for a while. */
  penalize(peer: string, what: string): void {
    const watched = this.#watch(peer)
    watched.count++
    this.#log.debug({ peer, what }, 'a peer misbehaved')
    if (watched.faults.take()) return
    this.#log.warn({ peer, what }, 'a peer misbehaved too often, and is dropped')
    watched.count = 0
    this.#drop(peer)
  }

  /** For gossip: nobody listens to one that is about to be dropped. */
  score(peer: string): number {
    return -10 * (this.#watched.peek(peer)?.count ?? 0)
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
