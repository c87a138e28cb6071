/** Room for what is in flight: all fetches of one closure share its staging's budget, and wait for room instead of failing. */

import { ThymeshError } from '../../../protocol/errors.ts'
import { Bitfield } from '../chunks/bitfield.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'
import { Reservation, type ReservationOwner } from './reservation.ts'
import type { Staging } from './staging.ts'

/** The budget is smaller than what must be staged at once. */
export class BudgetError extends ThymeshError<'budget-too-small'> {
  static of(needed: number, budgetBytes: number): BudgetError {
    return new BudgetError('budget-too-small', `expected a staging budget of ${needed} bytes, got ${budgetBytes}`, {
      hint: `Raise \`staging.bytes\` to ${needed} or more: a path is staged whole before it is in the store.`,
    })
  }
}

export interface StagingBudgetComponents {
  readonly list: ChunkList
  readonly staging: Pick<Staging, 'has' | 'put' | 'read' | 'releasePath' | 'takesRoom' | 'evict' | 'layout'>
}

interface Waiter {
  readonly reservation: Reservation
  readonly chunks: readonly number[]
  readonly granted: PromiseWithResolvers<void>
}

/**
 * Whoever fetches claims chunks before it asks for them. A claim is granted whole or waits in its turn, but for one that
 * needs no more room than is taken already. What nobody claims any more stays staged until its room is needed.
 *
 * Nobody waits for ever: the fetch of a closure claims files in the descriptor's order (see {@link FetchWindow}) and gives
 * them back as paths become valid, which needs nothing but what it holds. A fetch that streams one path to somebody claims
 * all of it at once and never waits while it holds something. It yields: a client that doesn't read must not keep the
 * device from its update, so its claim is taken back when a closure needs the room, and it claims anew what it still lacks.
 */
export class StagingBudget {
  readonly budgetBytes: number
  readonly #list: ChunkList
  readonly #staging: StagingBudgetComponents['staging']
  /** Chunks that are on disk, or may come: what is counted. */
  readonly #taken: Bitfield
  #bytes = 0
  /** How many claim each chunk, and how many such chunks each file has. */
  readonly #reservations: Uint32Array
  readonly #held: Uint32Array
  #waiting: Waiter[] = []
  /** Claims that are taken back for others. */
  readonly #preemptible = new Set<Reservation>()
  readonly #owner: ReservationOwner = {
    hold: (reservation, chunks, signal) => this.#hold(reservation, chunks, signal),
    tryHold: (reservation, chunks) => this.#tryHold(reservation, chunks),
    release: (reservation, chunks) => {
      const free = this.#release(reservation, chunks)
      this.#grant()
      return free
    },
    end: reservation => {
      this.#preemptible.delete(reservation)
      return this.#owner.release(reservation, reservation.chunks)
    },
  }

  constructor({ list, staging }: StagingBudgetComponents, { budgetBytes }: { budgetBytes: number }) {
    this.budgetBytes = budgetBytes
    this.#list = list
    this.#staging = staging
    this.#reservations = new Uint32Array(list.count)
    this.#held = new Uint32Array(staging.layout.ranges.length)
    this.#taken = new Bitfield(list.count)
    for (let number = 0; number < list.count; number++) if (staging.takesRoom(number)) this.#take(number)
  }

  /** Bytes that are staged, or may be. */
  get bytes(): number {
    return this.#bytes
  }

  /** A claim of one fetch; it must be ended. */
  reserve(): Reservation {
    return new Reservation(this.#owner)
  }

  /** A claim that yields to others: `onPreempted` gets the chunks that nobody claims any more. It must be ended. */
  reservePreemptible(onPreempted: (chunks: readonly number[]) => void): Reservation {
    const reservation = new Reservation(this.#owner, onPreempted)
    this.#preemptible.add(reservation)
    return reservation
  }

  has(number: number): boolean {
    return this.#staging.has(number)
  }

  read(number: number): Promise<Uint8Array | undefined> {
    return this.#staging.read(number)
  }

  /** Stages a chunk; one that nobody claims is left out where there is no room. */
  async put(number: number, bytes: Uint8Array): Promise<void> {
    if (!this.#taken.has(number)) {
      if (this.#bytes + this.#list.length(number) > this.budgetBytes) return
      this.#take(number)
    }
    try {
      await this.#staging.put(number, bytes)
    } finally {
      this.#settle(number)
    }
  }

  async releasePath(path: string): Promise<void> {
    await this.#staging.releasePath(path)
    const { layout } = this.#staging
    const file = layout.ranges[layout.ofPath(path)?.range ?? -1]
    for (let number = file?.from ?? 0; number < (file?.to ?? 0); number++) this.#settle(number)
    this.#grant()
  }

  async #hold(reservation: Reservation, chunks: readonly number[], signal: AbortSignal): Promise<void> {
    const bytes = this.#sum(chunks)
    if (bytes > this.budgetBytes) throw BudgetError.of(bytes, this.budgetBytes)
    signal.throwIfAborted()
    const waiter = { reservation, chunks, granted: Promise.withResolvers<void>() }
    const leave = () => {
      this.#waiting = this.#waiting.filter(each => each !== waiter)
      waiter.granted.reject(signal.reason)
      this.#grant()
    }
    signal.addEventListener('abort', leave, { once: true })
    this.#waiting.push(waiter)
    this.#grant()
    try {
      await waiter.granted.promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  #grant(): void {
    let isFirst = true
    const order = this.#waiting.toSorted(
      (a, b) => Number(this.#isPreemptible(a.reservation)) - Number(this.#isPreemptible(b.reservation)),
    )
    for (const waiter of order) {
      const isNext = isFirst || this.#needOf(waiter.chunks) === 0
      if (isNext && this.#tryHold(waiter.reservation, waiter.chunks)) {
        this.#waiting = this.#waiting.filter(each => each !== waiter)
        waiter.granted.resolve()
      } else isFirst = false
    }
  }

  #tryHold(reservation: Reservation, chunks: readonly number[]): boolean {
    if (!this.#freeSpaceFor(chunks) && (this.#isPreemptible(reservation) || !this.#preemptFor(chunks))) return false
    for (const number of chunks) {
      if (reservation.chunks.has(number)) continue
      reservation.chunks.add(number)
      this.#take(number)
      this.#reservations[number] = (this.#reservations[number] ?? 0) + 1
      this.#addHeld(number, 1)
    }
    return true
  }

  #isPreemptible(reservation: Reservation): boolean {
    return this.#preemptible.has(reservation)
  }

  /** Whether the chunks fit once claims that yield are taken back, the oldest first. */
  #preemptFor(chunks: readonly number[]): boolean {
    for (const reservation of this.#preemptible) {
      if (reservation.chunks.size === 0) continue
      reservation.preempted(this.#release(reservation, [...reservation.chunks]))
      if (this.#freeSpaceFor(chunks)) return true
    }
    return false
  }

  /** Takes chunks off a claim; returns those that nobody claims any more. */
  #release(reservation: Reservation, chunks: Iterable<number>): number[] {
    const free: number[] = []
    for (const number of [...chunks]) {
      if (!reservation.chunks.delete(number)) continue
      this.#reservations[number] = (this.#reservations[number] ?? 1) - 1
      this.#addHeld(number, -1)
      if (this.#reservations[number] > 0) continue
      free.push(number)
      this.#settle(number)
    }
    return free
  }

  /** Whether the chunks fit. What nobody claims goes for them: first in other files, the last first, then beside them. */
  #freeSpaceFor(chunks: readonly number[]): boolean {
    if (this.#bytes + this.#needOf(chunks) <= this.budgetBytes) return true
    const { layout } = this.#staging
    const theirs = new Set(chunks.map(number => layout.rangeOf(number)))
    const isFree = (range: number) => this.#held[range] === 0 && this.#bytesIn(range) > 0
    const files = layout.ranges.map((_, range) => range).filter(isFree)
    files.sort((a, b) => Number(theirs.has(a)) - Number(theirs.has(b)) || b - a)
    const evicted = new Set<number>()
    for (const range of files) {
      evicted.add(range)
      if (this.#bytesWithout(evicted, chunks) > this.budgetBytes) continue
      for (const each of evicted) this.#evict(each)
      return true
    }
    return false
  }

  /** What would be taken with these chunks, and with nothing else in these files. */
  #bytesWithout(evicted: ReadonlySet<number>, chunks: readonly number[]): number {
    let bytes = this.#bytes
    for (const range of evicted) bytes -= this.#bytesIn(range)
    const isTaken = (number: number) => this.#taken.has(number) && !evicted.has(this.#staging.layout.rangeOf(number))
    return bytes + this.#sum(chunks.filter(number => !isTaken(number)))
  }

  #bytesIn(range: number): number {
    const { from, to } = this.#staging.layout.ranges[range] ?? { from: 0, to: 0 }
    let bytes = 0
    for (let number = from; number < to; number++) if (this.#taken.has(number)) bytes += this.#list.length(number)
    return bytes
  }

  #evict(range: number): void {
    const { from, to } = this.#staging.layout.ranges[range] ?? { from: 0, to: 0 }
    // What can't be removed is found, and counted, by the next start.
    void this.#staging.evict(range).catch(() => {})
    for (let number = from; number < to; number++) this.#settle(number)
  }

  #needOf(chunks: readonly number[]): number {
    return this.#sum(chunks.filter(number => !this.#taken.has(number)))
  }

  #sum(chunks: readonly number[]): number {
    return [...new Set(chunks)].reduce((sum, number) => sum + this.#list.length(number), 0)
  }

  #take(number: number): void {
    if (this.#taken.add(number)) this.#bytes += this.#list.length(number)
  }

  /** A chunk that is not on disk, and that nobody waits for, takes no room. */
  #settle(number: number): void {
    if (!this.#taken.has(number) || (this.#reservations[number] ?? 0) > 0 || this.#staging.takesRoom(number)) return
    this.#taken.remove(number)
    this.#bytes -= this.#list.length(number)
  }

  #addHeld(number: number, more: number): void {
    const range = this.#staging.layout.rangeOf(number)
    this.#held[range] = (this.#held[range] ?? 0) + more
  }
}
