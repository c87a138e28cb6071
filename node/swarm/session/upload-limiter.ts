/** Limits uploads: a rate over all peers, a number of upload slots, and fair turns. */

import { setTimeout as sleep } from 'node:timers/promises'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import { TokenBucket } from '../../concurrency/token-bucket.ts'

export interface UploadLimits {
  /** Bytes per second over all peers; unlimited if absent. */
  bytesPerSecond?: number | undefined
  /** Peers served at the same time: the upload slots. Others are asked to wait. */
  peers: number
}

/** The token bucket holds a quarter of a second: smooth on slow links, negligible on fast ones. */
const bucketSeconds = 0.25

export class UploadLimiter {
  readonly #limits: UploadLimits
  readonly #active = new Map<string, number>()
  /** The bucket for the rate; undefined if it is unlimited. */
  readonly #bucket: TokenBucket | undefined
  /** Waiting uploads are served in order, so a peer with a long queue can't starve the others. */
  readonly #turns = new SerialQueue()

  constructor(limits: UploadLimits) {
    this.#limits = limits
    const { bytesPerSecond: perSecond } = limits
    if (perSecond !== undefined) this.#bucket = new TokenBucket({ most: perSecond * bucketSeconds, perSecond })
  }

  /** Takes an upload slot for a session of a peer; false if all are taken. */
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
    const bucket = this.#bucket
    if (bucket !== undefined) await this.#turns.run(() => draw(bucket, bytes, signal))
  }
}

async function draw(bucket: TokenBucket, bytes: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  // A chunk larger than the bucket leaves a debt, which the next one waits for.
  for (let ms = bucket.waitMs; ms > 0; ms = bucket.waitMs) await sleep(ms, undefined, signal ? { signal } : {})
  bucket.overdraw(bytes)
}
