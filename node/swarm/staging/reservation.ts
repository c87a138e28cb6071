/** A fetch's reservation of chunks in the staging budget that it shares with other fetches. */

/** Grants reservations. */
export interface ReservationOwner {
  hold(reservation: Reservation, chunks: readonly number[], signal: AbortSignal): Promise<void>
  tryHold(reservation: Reservation, chunks: readonly number[]): boolean
  release(reservation: Reservation, chunks: Iterable<number>): number[]
  end(reservation: Reservation): number[]
}

/** The chunks that one fetch has reserved. */
export class Reservation {
  /** Read-only for others. */
  readonly chunks = new Set<number>()
  readonly #owner: ReservationOwner
  /** Called with preempted chunks that are no longer reserved by any fetch. */
  readonly preempted: (chunks: readonly number[]) => void

  constructor(owner: ReservationOwner, preempted: (chunks: readonly number[]) => void = () => {}) {
    this.#owner = owner
    this.preempted = preempted
  }

  has(number: number): boolean {
    return this.chunks.has(number)
  }

  /** Resolves when all of these are reserved, in turn. Rejects with a BudgetError or the signal's reason. */
  hold(chunks: readonly number[], signal: AbortSignal): Promise<void> {
    return this.#owner.hold(this, chunks, signal)
  }

  /** Reserves these if there is space now. */
  tryHold(chunks: readonly number[]): boolean {
    return this.#owner.tryHold(this, chunks)
  }

  /** Releases chunks; returns those that are no longer reserved by any fetch. */
  release(chunks: Iterable<number>): number[] {
    return this.#owner.release(this, chunks)
  }

  /** Releases all chunks, for good. */
  end(): number[] {
    return this.#owner.end(this)
  }
}
