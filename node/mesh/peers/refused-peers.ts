/** Recently refused peers: each for a while, and a limited number. */

import { LRUCache } from 'lru-cache'
import { refusedPauseMs, refusedPeers } from '../limits.ts'

export class RefusedPeers {
  /** Anyone can make new peer IDs, so beyond the limit the oldest refusal is dropped. */
  readonly #until = new LRUCache<string, number>({ max: refusedPeers })
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  add(peer: string, pauseMs = refusedPauseMs): void {
    this.#until.set(peer, this.#now() + pauseMs)
  }

  has(peer: string): boolean {
    const until = this.#until.peek(peer)
    if (until === undefined) return false
    if (until > this.#now()) return true
    this.#until.delete(peer)
    return false
  }

  delete(peer: string): void {
    this.#until.delete(peer)
  }
}
