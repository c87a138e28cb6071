/** How much of a closure may be on its way at a time: no more than its staging has room for. */

import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import type { Reservation } from '../staging/reservation.ts'
import { BudgetError } from '../staging/staging-budget.ts'
import { StagingLayout } from '../staging/staging-layout.ts'

export interface FetchWindowInit {
  readonly list: ChunkList
  /** Paths to be brought in, in the descriptor's order. */
  readonly missing: readonly PathChunks[]
  /** Whether a chunk is staged, or must be: it isn't read from the store. */
  readonly needsSpace: (number: number) => boolean
  readonly budgetBytes: number
  readonly reservation: Reservation
}

/** A staging file's chunks, which are let go of together. */
interface Share {
  readonly chunks: number[]
  /** Missing paths that are first in it. */
  left: number
  readonly opened: PromiseWithResolvers<void>
}

/**
 * Opens staging files in the descriptor's order, as there is room; each path that becomes valid may give a file's room
 * back. It can't lock up: what a path references stands before it, so the first path that isn't valid has its file open
 * and nothing to wait for but its own chunks, or waits for room that others give back.
 */
export class FetchWindow {
  readonly #layout: StagingLayout
  readonly #shares: readonly Share[]
  readonly #init: FetchWindowInit
  /** Files that are open are those before this one. */
  #next = 0
  /** Bytes in files of paths that are valid: only the end of the fetch gives their room back. */
  #kept = 0

  constructor(init: FetchWindowInit) {
    this.#init = init
    this.#layout = new StagingLayout(init.list)
    this.#shares = this.#layout.ranges.map(() => ({ chunks: [], left: 0, opened: Promise.withResolvers<void>() }))
    const needed = new Set<number>()
    for (const { described, chunks } of init.missing) {
      const share = this.#shares[this.#layout.ofPath(described.path)?.range ?? 0]
      if (share !== undefined) share.left++
      for (const number of chunks) needed.add(number)
    }
    for (const number of [...needed].sort((a, b) => a - b)) {
      this.#shares[this.#layout.rangeOf(number)]?.chunks.push(number)
    }
    // Seen at once, and not when the last file is to be opened.
    let kept = 0
    for (const share of this.#shares) kept = this.#expectRoom(share, kept)
  }

  /** Whether a chunk may be asked for now. */
  isOpen(number: number): boolean {
    return this.#layout.rangeOf(number) < this.#next
  }

  /** Resolves when a chunk may be asked for. */
  async opened(number: number): Promise<void> {
    await this.#shares[this.#layout.rangeOf(number)]?.opened.promise
  }

  /**
   * Opens all files, each as soon as there is room; `onOpen` gets the chunks of each that aren't here. Rejects with a
   * BudgetError when one can never be opened, and with the signal's reason.
   */
  async run(onOpen: (chunks: readonly number[]) => void, signal: AbortSignal): Promise<void> {
    for (const share of this.#shares) {
      this.#kept = this.#expectRoom(share, this.#kept)
      const chunks = share.chunks.filter(this.#init.needsSpace)
      await this.#init.reservation.hold(chunks, signal)
      this.#next++
      share.opened.resolve()
      onOpen(chunks)
    }
  }

  /** A path is valid: its file's room is given back when those beside it are valid, too. */
  done(path: string): void {
    const share = this.#shares[this.#layout.ofPath(path)?.range ?? 0]
    if (share === undefined || share.left === 0) return
    share.left--
    if (share.left === 0) this.#init.reservation.release(share.chunks)
  }

  /** What is kept once this file is open, too. */
  #expectRoom({ chunks, left }: Share, kept: number): number {
    const { list, needsSpace, budgetBytes } = this.#init
    const bytes = chunks.reduce((sum, number) => sum + (needsSpace(number) ? list.length(number) : 0), 0)
    if (kept + bytes > budgetBytes) throw BudgetError.of(kept + bytes, budgetBytes)
    return left === 0 ? kept + bytes : kept
  }
}
