/** When a fetch looks for the next requests: once a turn of the event loop, however many events call for it. */

import { askPauseMs } from '../limits.ts'

export class AskTurns {
  readonly #ask: () => void
  #next: NodeJS.Immediate | undefined
  #soon: NodeJS.Timeout | undefined
  #wake: NodeJS.Timeout | undefined

  constructor(ask: () => void) {
    this.#ask = ask
  }

  /** In this turn of the event loop. */
  next(): void {
    this.#next ??= setImmediate(() => this.#run())
  }

  /** In a few milliseconds, together with what comes until then. */
  soon(): void {
    this.#soon ??= setTimeout(() => this.#run(), askPauseMs)
  }

  /** Also if nothing happens until then, in so many milliseconds; replaces what was said before. */
  wakeIn(milliseconds: number): void {
    clearTimeout(this.#wake)
    this.#wake = setTimeout(() => this.#run(), milliseconds)
  }

  sleep(): void {
    clearTimeout(this.#wake)
  }

  stop(): void {
    this.#clear()
    clearTimeout(this.#wake)
  }

  #run(): void {
    this.#clear()
    this.#ask()
  }

  #clear(): void {
    clearImmediate(this.#next)
    clearTimeout(this.#soon)
    this.#next = this.#soon = undefined
  }
}
