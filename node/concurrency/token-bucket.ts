/** A budget that refills with time: so many at once, so many per second over a long time (a token bucket). */

export interface BudgetInit {
  /** What can be taken at once after a quiet time. */
  most: number
  perSecond: number
  /** Milliseconds; for tests. */
  now?: () => number
}

export class Budget {
  readonly #init: BudgetInit
  readonly #now: () => number
  #left: number
  #at: number

  constructor(init: BudgetInit) {
    this.#init = init
    this.#now = init.now ?? (() => performance.now())
    this.#left = init.most
    this.#at = this.#now()
  }

  /** Takes one; false when there is none. */
  take(): boolean {
    const { most, perSecond } = this.#init
    const now = this.#now()
    this.#left = Math.min(most, this.#left + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
