/** The pace of authors: a burst, then one document at a time; of those that came too early only the newest waits. */

import type { Subject } from '../../concurrency/fair-places.ts'
import { SubjectBudgets, type SubjectBudgetsInit } from '../../concurrency/subject-budgets.ts'
import { paceCheckMs } from '../limits.ts'

interface Waiting {
  readonly subject: Subject
  /** Orders the author's documents. */
  readonly rank: number
  readonly turn: PromiseWithResolvers<boolean>
}

export class AuthorPace {
  readonly #budgets: SubjectBudgets
  readonly #waiting = new Map<string, Waiting>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: SubjectBudgetsInit) {
    this.#budgets = new SubjectBudgets(init)
  }

  /** Resolves to true when a document of this author may be taken; to false if a newer one takes its turn. */
  turn(author: Subject, rank: number): Promise<boolean> {
    const waiting = this.#waiting.get(author.peer)
    if (waiting === undefined && this.#budgets.has(author)) {
      this.#budgets.spend(author, 1)
      return Promise.resolve(true)
    }
    if (waiting !== undefined && waiting.rank >= rank) return Promise.resolve(false)
    waiting?.turn.resolve(false)
    const turn = Promise.withResolvers<boolean>()
    this.#waiting.set(author.peer, { subject: author, rank, turn })
    this.#timer ??= setInterval(() => this.#serve(), paceCheckMs)
    return turn.promise
  }

  /** Ends all waits: nothing is taken any more. */
  stop(): void {
    for (const { turn } of this.#waiting.values()) turn.resolve(false)
    this.#waiting.clear()
    this.#serve()
  }

  #serve(): void {
    for (const [key, { subject, turn }] of this.#waiting) {
      if (!this.#budgets.has(subject)) continue
      this.#budgets.spend(subject, 1)
      this.#waiting.delete(key)
      turn.resolve(true)
    }
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
