/** A token bucket: a burst after a quiet time, and a long-term rate. */

export interface TokenBucketInit {
  /** The bucket's capacity: the largest burst. */
  most: number
  perSecond: number
  /** Milliseconds; for tests. */
  now?: () => number
}

export class TokenBucket {
  readonly #init: TokenBucketInit
  readonly #now: () => number
  #left: number
  #at: number

  constructor(init: TokenBucketInit) {
    this.#init = init
    this.#now = init.now ?? (() => performance.now())
    this.#left = init.most
    this.#at = this.#now()
  }

  /** Takes one token; false if there is none. */
  take(): boolean {
    this.#refill()
    if (this.#left < 1) return false
    this.#left--
    return true
  }

  /** Takes any number of tokens, if necessary as debt that later takes wait for. */
  overdraw(tokens: number): void {
    this.#refill()
    this.#left -= tokens
  }

  /** Milliseconds until a token is available; 0 if one is. */
  get waitMs(): number {
    this.#refill()
    // One more, since a timer may fire a moment early.
    return this.#left > 0 ? 0 : (-this.#left / this.#init.perSecond) * 1000 + 1
  }

  #refill(): void {
    const { most, perSecond } = this.#init
    const now = this.#now()
    this.#left = Math.min(most, this.#left + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
  }
}
