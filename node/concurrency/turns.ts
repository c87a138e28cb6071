/** Turns: one at a time, but a holder that makes no progress keeps nobody waiting. */

import { untilAborted } from './abort-race.ts'
import { pause } from './pause.ts'

export interface Turn {
  /** Others wait on for as long as this is called now and then. */
  progress(): void
  end(): void
}

export interface TurnsInit {
  /** A turn without progress for this long no longer keeps others waiting. */
  readonly stallMs: number
  readonly now?: () => number
}

export class Turns {
  readonly #stallMs: number
  readonly #now: () => number
  readonly #holders = new Set<Turn>()
  #stallsAt = 0
  #ended = Promise.withResolvers<void>()

  constructor({ stallMs, now = () => performance.now() }: TurnsInit) {
    this.#stallMs = stallMs
    this.#now = now
  }

  /**
   * Waits until nobody has a turn, or until the holder has stalled, but at most `longestMs`. Rejects with the signal's
   * reason.
   */
  async take(longestMs: number, signal: AbortSignal): Promise<Turn> {
    const deadline = this.#now() + longestMs
    for (;;) {
      signal.throwIfAborted()
      const leftMs = Math.min(this.#stallsAt, deadline) - this.#now()
      if (this.#holders.size === 0 || leftMs <= 0) return this.#begin()
      await pause(untilAborted(this.#ended.promise, signal), leftMs)
    }
  }

  #begin(): Turn {
    const turn: Turn = { progress: () => this.#progress(turn), end: () => this.#end(turn) }
    this.#holders.add(turn)
    this.#progress(turn)
    return turn
  }

  #progress(turn: Turn): void {
    if (this.#holders.has(turn)) this.#stallsAt = this.#now() + this.#stallMs
  }

  #end(turn: Turn): void {
    if (!this.#holders.delete(turn)) return
    this.#ended.resolve()
    this.#ended = Promise.withResolvers()
  }
}
