/** A rate of bytes that several flows share in turn: who waits is served in order, so none starves the others. */

import { setTimeout as sleep } from 'node:timers/promises'
import { SerialQueue } from './serial-queue.ts'
import { TokenBucket } from './token-bucket.ts'

/** The token bucket holds a quarter of a second: smooth on slow links, negligible on fast ones. */
const bucketSeconds = 0.25

export class ByteRate {
  /** The bucket for the rate; undefined if it is unlimited. */
  readonly #bucket: TokenBucket | undefined
  readonly #turns = new SerialQueue()

  constructor(bytesPerSecond: number | undefined) {
    if (bytesPerSecond === undefined) return
    this.#bucket = new TokenBucket({ most: bytesPerSecond * bucketSeconds, perSecond: bytesPerSecond })
  }

  get isLimited(): boolean {
    return this.#bucket !== undefined
  }

  /** Waits until `bytes` may be sent. Rejects with the signal's reason. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const bucket = this.#bucket
    if (bucket !== undefined) await this.#turns.run(() => draw(bucket, bytes, signal))
  }
}

async function draw(bucket: TokenBucket, bytes: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  // What is larger than the bucket leaves a debt, which the next one waits for.
  for (let ms = bucket.waitMs; ms > 0; ms = bucket.waitMs) await sleep(ms, undefined, signal ? { signal } : {})
  bucket.overdraw(bytes)
}
