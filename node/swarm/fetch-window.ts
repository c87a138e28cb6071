/** How much of a closure may be on its way at a time: no more than its staging holds. */

import { ThymeshError } from '../../protocol/errors.ts'
import type { ChunkList, PathChunks } from './chunk-list.ts'
import { StagingLayout } from './staging-layout.ts'

/** The budget is smaller than what must be staged at once. */
export class BudgetError extends ThymeshError<'budget-too-small'> {}

export interface FetchWindowInit {
  readonly list: ChunkList
  /** Paths to be brought in, in the descriptor's order. */
  readonly missing: readonly PathChunks[]
  /** Whether a chunk is staged, or will be. */
  readonly isStaged: (number: number) => boolean
  readonly budgetBytes: number
}

/** A staging file's chunks, which are let go of together. */
interface Share {
  readonly bytes: number
  /** Missing paths that are first in it. */
  left: number
  readonly opened: PromiseWithResolvers<void>
}

/**
 * Opens staging files in the descriptor's order, as many as the budget holds; each path that becomes valid may close one
 * and open the next. It can't lock up: what a path references stands before it, so the first path that isn't valid has its
 * file open and nothing to wait for but its own chunks.
 */
export class FetchWindow {
  readonly #layout: StagingLayout
  readonly #shares: readonly Share[]
  readonly #budgetBytes: number
  /** Files that are open are those before this one, but for the closed. */
  #next = 0
  #bytes = 0

  /** Throws a BudgetError when one file alone is more than the budget. */
  constructor({ list, missing, isStaged, budgetBytes }: FetchWindowInit) {
    this.#layout = new StagingLayout(list)
    this.#budgetBytes = budgetBytes
    const left = new Map<number, number>()
    for (const { described } of missing) {
      const range = this.#layout.ofPath(described.path)?.range ?? 0
      left.set(range, (left.get(range) ?? 0) + 1)
    }
    this.#shares = this.#layout.ranges.map(({ from, to }, range) => {
      let bytes = 0
      for (let number = from; number < to; number++) if (isStaged(number)) bytes += list.length(number)
      return { bytes, left: left.get(range) ?? 0, opened: Promise.withResolvers<void>() }
    })
    const largest = Math.max(0, ...this.#shares.map(({ bytes }) => bytes))
    if (largest <= budgetBytes) return
    throw new BudgetError('budget-too-small', `expected a staging budget of ${largest} bytes, got ${budgetBytes}`, {
      hint: `Raise \`staging.bytes\` to ${largest} or more: a path is staged whole before it is in the store.`,
    })
  }

  /** Whether a chunk may be asked for now. */
  isOpen(number: number): boolean {
    return this.#layout.rangeOf(number) < this.#next
  }

  /** Resolves when a chunk may be asked for. */
  async opened(number: number): Promise<void> {
    await this.#shares[this.#layout.rangeOf(number)]?.opened.promise
  }

  /** Opens what the budget allows; returns whether anything was opened. */
  advance(): boolean {
    const before = this.#next
    for (let share = this.#shares[this.#next]; share !== undefined; share = this.#shares[this.#next]) {
      if (this.#bytes + share.bytes > this.#budgetBytes) break
      this.#bytes += share.bytes
      this.#next++
      share.opened.resolve()
      if (share.left === 0) this.#bytes -= share.bytes
    }
    return this.#next > before
  }

  /** A path is valid: its staging is gone when those beside it are valid, too. Returns whether anything was opened. */
  done(path: string): boolean {
    const share = this.#shares[this.#layout.ofPath(path)?.range ?? 0]
    if (share === undefined || share.left === 0) return false
    share.left--
    if (share.left > 0) return false
    this.#bytes -= share.bytes
    return this.advance()
  }
}
