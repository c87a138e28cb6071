/** Peers that were refused lately: each for a while, and no more of them than fit. */

import { refusedPauseMs, refusedPeers } from '../limits.ts'

export class Refusals {
  readonly #until = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  add(peer: string, pauseMs = refusedPauseMs): void {
    // Anyone can make new peer IDs: the oldest goes when there are too many.
    this.#until.delete(peer)
    this.#until.set(peer, this.#now() + pauseMs)
    if (this.#until.size <= refusedPeers) return
    for (const oldest of this.#until.keys()) {
      this.#until.delete(oldest)
      break
    }
  }

  has(peer: string): boolean {
    const until = this.#until.get(peer)
    if (until === undefined) return false
    if (until > this.#now()) return true
    this.#until.delete(peer)
    return false
  }

  delete(peer: string): void {
    this.#until.delete(peer)
  }
}
