/** How fast something goes on, and when it will be over. */

import type { Progress } from '../api/schemas/task.ts'

/** The rate is that of the last while: an average from the beginning would hide that a line has become slow. */
const rateMs = 5_000

export class Rate {
  readonly #now: () => number
  #step = ''
  #points: { at: number; done: number }[] = []

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Per second, with what is done now; nothing before it is known. Another step begins anew. */
  of(progress: Progress): number | undefined {
    const step = stepOf(progress)
    if (step !== this.#step) this.#points = []
    this.#step = step
    const now = this.#now()
    this.#points = this.#points.filter(({ at }) => now - at <= rateMs)
    // Points of one moment say nothing more.
    if (this.#points.at(-1)?.at !== now) this.#points.push({ at: now, done: progress.done })
    const [first] = this.#points
    if (first === undefined || first.at === now || progress.done <= first.done) return undefined
    return ((progress.done - first.done) * 1000) / (now - first.at)
  }

  /** At this rate; nothing where it is unknown. */
  secondsLeft(progress: Progress): number | undefined {
    const rate = this.of(progress)
    return rate === undefined || progress.of <= progress.done
      ? undefined
      : Math.ceil((progress.of - progress.done) / rate)
  }
}

/** What is behind the colon changes while the step goes on. */
export function stepOf({ step, unit }: Progress): string {
  return `${step.split(':')[0]} ${unit}`
}
