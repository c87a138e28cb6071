/** What one fetch has room for in the staging that it shares with others. */

/** Who shares the room out. */
export interface ReservationOwner {
  hold(reservation: Reservation, chunks: readonly number[], signal: AbortSignal): Promise<void>
  tryHold(reservation: Reservation, chunks: readonly number[]): boolean
  release(reservation: Reservation, chunks: Iterable<number>): number[]
  end(reservation: Reservation): number[]
}

/** The chunks that one fetch has room for. */
export class Reservation {
  /** Only read by others. */
  readonly chunks = new Set<number>()
  readonly #owner: ReservationOwner
  /** Told of chunks that were taken back and that nobody claims any more. */
  readonly preempted: (chunks: readonly number[]) => void

  constructor(owner: ReservationOwner, preempted: (chunks: readonly number[]) => void = () => {}) {
    this.#owner = owner
    this.preempted = preempted
  }

  has(number: number): boolean {
    return this.chunks.has(number)
  }

  /** Resolves when there is room for all of these, in turn. Rejects with a BudgetError or the signal's reason. */
  hold(chunks: readonly number[], signal: AbortSignal): Promise<void> {
    return this.#owner.hold(this, chunks, signal)
  }

  /** Takes room for these when it is there now. */
  tryHold(chunks: readonly number[]): boolean {
    return this.#owner.tryHold(this, chunks)
  }

  /** Gives room back; returns the chunks that nobody claims any more. */
  release(chunks: Iterable<number>): number[] {
    return this.#owner.release(this, chunks)
  }

  /** Gives all of it back, for good. */
  end(): number[] {
    return this.#owner.end(this)
  }
}
