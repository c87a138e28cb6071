/** Long work in slices: between them the event loop serves everything else. */

import { setImmediate as nextTurn } from 'node:timers/promises'

export class TimeSlice {
  readonly #sliceMs: number
  readonly #now: () => number
  #began: number
  /** The turn that all who gave way wait for. */
  #turn: Promise<void> | undefined
  /** Nobody has taken a step in this slice yet. */
  #isFresh = false

  constructor(sliceMs: number, now = () => performance.now()) {
    this.#sliceMs = sliceMs
    this.#now = now
    this.#began = now()
  }

  /** Call it between two steps: gives way when the slice is used up. Those who share it have one slice together. */
  async step(): Promise<void> {
    while (this.#isUsedUp()) {
      this.#turn ??= nextTurn().then(() => {
        this.#turn = undefined
        this.#began = this.#now()
        this.#isFresh = true
      })
      await this.#turn
    }
    this.#isFresh = false
  }

  /** Each slice has room for one step, however short it is: otherwise nobody would ever go on. */
  #isUsedUp(): boolean {
    return !this.#isFresh && this.#now() - this.#began >= this.#sliceMs
  }
}
