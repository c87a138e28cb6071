/** Exchanges that other peers start: a few at a time, shared fairly, within a budget of bytes for each subject. */

import { FairPlaces, type Subject } from '../../concurrency/fair-places.ts'
import { SubjectBudgets } from '../../concurrency/subject-budgets.ts'
import { answeredExchanges, exchangeTurnMs, idleExchangeMs, scoredPeers, sentBudgets } from '../limits.ts'

/** One exchange. */
export interface Share {
  /** Records progress, and bytes that were sent. */
  sent(bytes: number): void
  leave(): void
}

export class AnswerShares {
  readonly #places = new FairPlaces({ places: answeredExchanges, idleMs: idleExchangeMs, turnMs: exchangeTurnMs })
  readonly #budgets = new SubjectBudgets({ ...sentBudgets, subjects: scoredPeers })

  /** Undefined if the subject has spent its budget, or if no place is due to it. `takeBack` ends the exchange. */
  enter(subject: Subject, takeBack: (reason: Error) => void): Share | undefined {
    if (!this.#budgets.has(subject)) return undefined
    const place = this.#places.enter(subject, () => takeBack(new Error('another peer needs the place')))
    if (place === undefined) return undefined
    const sent = (bytes: number) => {
      place.touch()
      this.#budgets.spend(subject, bytes)
    }
    return { sent, leave: place.leave }
  }
}
