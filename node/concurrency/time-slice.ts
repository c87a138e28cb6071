/** Long work in slices: between them the event loop serves everything else. */

import { setImmediate as nextTurn } from 'node:timers/promises'

export class TimeSlice {
  readonly #sliceMs: number
  readonly #now: () => number
  #began: number

  constructor(sliceMs: number, now = () => performance.now()) {
    this.#sliceMs = sliceMs
    this.#now = now
    this.#began = now()
  }

  /** Call it between two steps: gives way when the slice is used up. */
  async step(): Promise<void> {
    if (this.#now() - this.#began < this.#sliceMs) return
    await nextTurn()
    this.#began = this.#now()
  }
}
