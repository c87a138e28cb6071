/** What one fetch has room for in the staging that it shares with others. */

/** Who shares the room out. */
export interface ClaimKeeper {
  hold(claim: Claim, chunks: readonly number[], signal: AbortSignal): Promise<void>
  tryHold(claim: Claim, chunks: readonly number[]): boolean
  release(claim: Claim, chunks: Iterable<number>): number[]
  end(claim: Claim): number[]
}

/** The chunks that one fetch has room for. */
export class Claim {
  /** Only read by others. */
  readonly chunks = new Set<number>()
  readonly #keeper: ClaimKeeper
  /** Told of chunks that were taken back and that nobody claims any more. */
  readonly taken: (chunks: readonly number[]) => void

  constructor(keeper: ClaimKeeper, taken: (chunks: readonly number[]) => void = () => {}) {
    this.#keeper = keeper
    this.taken = taken
  }

  has(number: number): boolean {
    return this.chunks.has(number)
  }

  /** Resolves when there is room for all of these, in turn. Rejects with a BudgetError or the signal's reason. */
  hold(chunks: readonly number[], signal: AbortSignal): Promise<void> {
    return this.#keeper.hold(this, chunks, signal)
  }

  /** Takes room for these when it is there now. */
  tryHold(chunks: readonly number[]): boolean {
    return this.#keeper.tryHold(this, chunks)
  }

  /** Gives room back; returns the chunks that nobody claims any more. */
  release(chunks: Iterable<number>): number[] {
    return this.#keeper.release(this, chunks)
  }

  /** Gives all of it back, for good. */
  end(): number[] {
    return this.#keeper.end(this)
  }
}
