/** Limits the part of a closure in flight to its staging budget. */

import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import type { Reservation } from '../staging/reservation.ts'
import { BudgetError } from '../staging/staging-budget.ts'
import { StagingLayout } from '../staging/staging-layout.ts'

export interface FetchWindowInit {
  readonly list: ChunkList
  /** Paths to import, in the descriptor's order. */
  readonly missing: readonly PathChunks[]
  /** Whether a chunk is or must be staged, because it isn't read from the store. */
  readonly needsSpace: (number: number) => boolean
  readonly budgetBytes: number
  readonly reservation: Reservation
}

/** The chunks of a staging file, which are released together. */
interface Share {
  readonly chunks: number[]
  /** Missing paths whose first chunks are in it. */
  left: number
  readonly opened: PromiseWithResolvers<void>
}

/**
 * Opens staging files in the descriptor's order, as space permits; each imported path may free a file. It can't
 * deadlock: a path's references precede it, so the file of the first path that isn't valid is either open, and the
 * path waits only for its own chunks, or waits for space that others free.
 */
export class FetchWindow {
  readonly #layout: StagingLayout
  readonly #shares: readonly Share[]
  readonly #init: FetchWindowInit
  /** The index of the first file that isn't open. */
  #next = 0
  /** Bytes in files of valid paths that only the end of the fetch frees. */
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
    // Checked at once, rather than when the last file is opened.
    let kept = 0
    for (const share of this.#shares) kept = this.#expectRoom(share, kept)
  }

  /** Whether a chunk may be requested now. */
  isOpen(number: number): boolean {
    return this.#layout.rangeOf(number) < this.#next
  }

  /** Resolves when a chunk may be requested. */
  async opened(number: number): Promise<void> {
    await this.#shares[this.#layout.rangeOf(number)]?.opened.promise
  }

  /**
   * Opens all files, each as soon as there is space; `onOpen` receives the missing chunks of each. Rejects with a
   * BudgetError if one can never be opened, and with the signal's reason.
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

  /** A path is valid: its file's space is freed once the file's other paths are valid, too. */
  done(path: string): void {
    const share = this.#shares[this.#layout.ofPath(path)?.range ?? 0]
    if (share === undefined || share.left === 0) return
    share.left--
    if (share.left === 0) this.#init.reservation.release(share.chunks)
  }

  /** The bytes that stay occupied once this file is open, too. */
  #expectRoom({ chunks, left }: Share, kept: number): number {
    const { list, needsSpace, budgetBytes } = this.#init
    const bytes = chunks.reduce((sum, number) => sum + (needsSpace(number) ? list.length(number) : 0), 0)
    if (kept + bytes > budgetBytes) throw BudgetError.of(kept + bytes, budgetBytes)
    return left === 0 ? kept + bytes : kept
  }
}
