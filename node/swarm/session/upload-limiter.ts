/** How much this peer gives: a rate over all its peers, a bound on how many are served at once, and taking turns. */

import { setTimeout as sleep } from 'node:timers/promises'

export interface UploadLimits {
  /** Bytes per second over all peers; nothing for no limit. */
  bytesPerSecond?: number | undefined
  /** Peers that are served at the same time; more are told to ask later. */
  peers: number
}

/** A bucket holds a quarter of a second: smooth on narrow links, no cost on fast ones. */
const bucketSeconds = 0.25

export class UploadLimiter {
  readonly #limits: UploadLimits
  readonly #active = new Map<string, number>()
  #tokens = 0
  #filledAt = performance.now()
  /** Waiting uploads take turns: whoever asked first is next, so a peer with a long queue can't starve the others. */
  #turn: Promise<void> = Promise.resolve()

  constructor(limits: UploadLimits) {
    this.#limits = limits
    this.#tokens = (limits.bytesPerSecond ?? 0) * bucketSeconds
  }

  /** Takes a place for a peer, once for each of its sessions; false when all are taken. */
  enter(peer: string): boolean {
    const sessions = this.#active.get(peer)
    if (sessions === undefined && this.#active.size >= this.#limits.peers) return false
    this.#active.set(peer, (sessions ?? 0) + 1)
    return true
  }

  leave(peer: string): void {
    const sessions = (this.#active.get(peer) ?? 0) - 1
    if (sessions > 0) this.#active.set(peer, sessions)
    else this.#active.delete(peer)
  }

  /** Waits until `bytes` may be sent. Rejects with the signal's reason. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const rate = this.#limits.bytesPerSecond
    if (rate === undefined) return
    const mine = this.#turn.then(() => this.#drain(bytes, rate, signal))
    this.#turn = mine.catch(() => {})
    await mine
  }

  async #drain(bytes: number, rate: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    // A chunk larger than the bucket goes into debt, which the next one waits for. A timer may end a moment early.
    for (this.#fill(rate); this.#tokens <= 0; this.#fill(rate)) {
      await sleep((-this.#tokens / rate) * 1000 + 1, undefined, signal ? { signal } : {})
    }
    this.#tokens -= bytes
  }

  #fill(rate: number): void {
    const now = performance.now()
    this.#tokens = Math.min(rate * bucketSeconds, this.#tokens + ((now - this.#filledAt) / 1000) * rate)
    this.#filledAt = now
  }
}
