/** Turns: so many at a time, the next in the order in which they were asked for. */

import type { Breakable } from './abort-race.ts'

export class Turns {
  readonly #waits: Breakable
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(count: number, waits: Breakable) {
    this.#free = count
    this.#waits = waits
  }

  /** Waits for a turn; returns what ends it, once. */
  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      await this.#waits.wait(promise)
    }
    let ended = false
    return () => {
      if (ended) return
      ended = true
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
