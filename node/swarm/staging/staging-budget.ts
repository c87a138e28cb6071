/** Shares a closure's staging budget between its fetches, which wait for space instead of failing. */

import { ThymeshError } from '../../../protocol/errors.ts'
import { Bitfield } from '../chunks/bitfield.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'
import { Reservation, type ReservationOwner } from './reservation.ts'
import type { Staging } from './staging.ts'

/** The budget is smaller than what must be staged at once. */
export class BudgetError extends ThymeshError<'budget-too-small'> {
  static of(needed: number, budgetBytes: number): BudgetError {
    return new BudgetError('budget-too-small', `expected a staging budget of ${needed} bytes, got ${budgetBytes}`, {
      hint: `Raise \`staging.bytes\` to ${needed} or more: a path is staged whole before it is imported.`,
    })
  }
}

export interface StagingBudgetComponents {
  readonly list: ChunkList
  readonly staging: Pick<Staging, 'has' | 'put' | 'read' | 'readRun' | 'releasePath' | 'takesRoom' | 'evict' | 'layout'>
}

export interface StagingBudgetInit {
  readonly budgetBytes: number
  /** Called with staged chunks that were evicted. */
  readonly onEvicted?: (numbers: readonly number[]) => void
}

interface Waiter {
  readonly reservation: Reservation
  readonly chunks: readonly number[]
  readonly granted: PromiseWithResolvers<void>
}

/**
 * A fetch reserves chunks before it requests them. A reservation is granted whole or waits in turn, except for one
 * that needs no additional space. Unreserved chunks stay staged until their space is needed.
 *
 * It can't deadlock: the fetch of a closure reserves files in the descriptor's order (see {@link FetchWindow}) and
 * releases them as paths become valid, for which it needs nothing else. A fetch that streams one path reserves all of
 * it at once and never waits while it holds a reservation. That reservation is preemptible, since a client that
 * doesn't read must not block the device's update: when a closure needs the space, it is preempted, and the stream
 * reserves anew what it still lacks.
 */
export class StagingBudget {
  readonly budgetBytes: number
  readonly #onEvicted: (numbers: readonly number[]) => void
  readonly #list: ChunkList
  readonly #staging: StagingBudgetComponents['staging']
  /** Chunks that count against the budget: on disk, or about to be. */
  readonly #taken: Bitfield
  #bytes = 0
  /** The number of reservations of each chunk, and the number of reserved chunks in each file. */
  readonly #reservations: Uint32Array
  readonly #held: Uint32Array
  #waiting: Waiter[] = []
  /** Reservations that may be preempted. */
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

  constructor({ list, staging }: StagingBudgetComponents, { budgetBytes, onEvicted = () => {} }: StagingBudgetInit) {
    this.budgetBytes = budgetBytes
    this.#onEvicted = onEvicted
    this.#list = list
    this.#staging = staging
    this.#reservations = new Uint32Array(list.count)
    this.#held = new Uint32Array(staging.layout.ranges.length)
    this.#taken = new Bitfield(list.count)
    for (let number = 0; number < list.count; number++) if (staging.takesRoom(number)) this.#take(number)
  }

  /** Bytes that are staged or reserved. */
  get bytes(): number {
    return this.#bytes
  }

  /** A new reservation of one fetch; call `end` on it. */
  reserve(): Reservation {
    return new Reservation(this.#owner)
  }

  /**
   * A new preemptible reservation: `onPreempted` receives the chunks that are no longer reserved by any fetch. Call
   * `end` on it.
   */
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

  readRun(numbers: Iterable<number>, into: Buffer): Promise<number> {
    return this.#staging.readRun(numbers, into)
  }

  /** Stages a chunk; an unreserved one is dropped if it doesn't fit. */
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

  /** Whether the chunks fit after preempting reservations, the oldest first. */
  #preemptFor(chunks: readonly number[]): boolean {
    for (const reservation of this.#preemptible) {
      if (reservation.chunks.size === 0) continue
      reservation.preempted(this.#release(reservation, [...reservation.chunks]))
      if (this.#freeSpaceFor(chunks)) return true
    }
    return false
  }

  /** Removes chunks from a reservation; returns those that are no longer reserved by any fetch. */
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

  /**
   * Whether the chunks fit. Evicts unreserved chunks if necessary: first those in other files, the last file first,
   * then those beside them.
   */
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

  /** Bytes in use with these chunks added and these files evicted. */
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
    const staged: number[] = []
    for (let number = from; number < to; number++) if (this.#staging.has(number)) staged.push(number)
    // A file that can't be removed is found and counted at the next start.
    void this.#staging.evict(range).catch(() => {})
    for (let number = from; number < to; number++) this.#settle(number)
    this.#onEvicted(staged)
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

  /** A chunk that is neither on disk nor reserved takes no space. */
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
