/** A token bucket: so much at once after a quiet time, so much per second over a long time. */

export interface TokenBucketInit {
  /** What can be taken at once after a quiet time. */
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

  /** Takes one; false when there is none. */
  take(): boolean {
    this.#refill()
    if (this.#left < 1) return false
    this.#left--
    return true
  }

  /** Takes any number, if need be on credit: what is taken next waits until it is paid back. */
  overdraw(tokens: number): void {
    this.#refill()
    this.#left -= tokens
  }

  /** Milliseconds until there is something to take; 0 when there is. */
  get waitMs(): number {
    this.#refill()
    // One more, since a timer may end a moment early.
    return this.#left > 0 ? 0 : (-this.#left / this.#init.perSecond) * 1000 + 1
  }

  #refill(): void {
    const { most, perSecond } = this.#init
    const now = this.#now()
    this.#left = Math.min(most, this.#left + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
  }
}
