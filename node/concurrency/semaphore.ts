/** A semaphore: limits concurrency, in the order of requests. */

import type { AbortRace } from './abort-race.ts'

export class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(permits: number) {
    this.#free = permits
  }

  /** Waits for a permit; resolves to a function that returns it, once. Rejects with the reason of the race's signal. */
  async acquire(race: AbortRace): Promise<() => void> {
    race.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#turn(race)
    let held = true
    return () => {
      if (held) this.#release()
      held = false
    }
  }

  async #turn(race: AbortRace): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    try {
      await race.wait(promise)
    } catch (thrown) {
      const place = this.#waiting.indexOf(resolve)
      if (place >= 0) this.#waiting.splice(place, 1)
      // The permit was granted after the signal, before the waiter could leave the queue.
      else this.#release()
      throw thrown
    }
  }

  #release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
