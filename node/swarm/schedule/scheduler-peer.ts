/** What the scheduler knows of one peer: what it has, what was asked of it and how it answers. */

import { Bitfield } from '../chunks/bitfield.ts'
import type { SchedulerLimits } from '../limits.ts'
import { seedOf } from './rendezvous.ts'

/** Weight of the newest measure in a running average: a few answers are enough to notice a change. */
const newestWeight = 0.25

export class PeerState {
  readonly id: string
  readonly local: boolean
  readonly seed: number
  readonly has: Bitfield
  /** It fetches the same closure. */
  wants = false
  /** Chunks that it failed to give lately. */
  readonly lost = new Set<number>()
  /** What it was asked for, oldest first, with the time of asking. */
  readonly flights = new Map<number, number>()
  flightBytes = 0
  windowBytes: number
  busyUntil = 0
  /** When it answered last, or was asked after having had nothing to answer. */
  heardAt = 0
  /** From asking to answer, a running average; undefined before the first answer. */
  serviceMs: number | undefined
  /** Nothing was found to ask it for; cleared when that may have changed. */
  starved = false
  /** It has let requests lie for too long: others are asked what it was asked. */
  stalled = false
  resting = false
  restUntil = 0
  #rests = 0
  #failures = 0

  constructor(id: string, local: boolean, chunks: number, windowBytes: number) {
    this.id = id
    this.local = local
    this.seed = seedOf(id)
    this.has = new Bitfield(chunks)
    this.windowBytes = windowBytes
  }

  /** What it has counts, and what it was asked for is expected to come. */
  get usable(): boolean {
    return !this.stalled && !this.resting
  }

  /** It can be asked for this chunk: it has it, didn't fail to give it lately and wasn't asked yet. */
  canGive(chunk: number): boolean {
    return this.has.has(chunk) && !this.lost.has(chunk) && !this.flights.has(chunk)
  }

  /** It can be asked for something now. */
  isReady(now: number): boolean {
    return this.usable && now >= this.busyUntil && this.flightBytes < this.windowBytes
  }

  /** A chunk of this length fits its window; one that is larger than a window goes alone. */
  fits(length: number): boolean {
    return this.flights.size === 0 || this.flightBytes + length <= this.windowBytes
  }

  get fullness(): number {
    return this.flightBytes / this.windowBytes
  }

  send(chunk: number, length: number, now: number): void {
    if (this.flights.size === 0) this.heardAt = now
    this.flights.set(chunk, now)
    this.flightBytes += length
  }

  /** Takes a request back or off. Returns when it was sent; undefined when there was none. */
  drop(chunk: number, length: number): number | undefined {
    const sentAt = this.flights.get(chunk)
    if (sentAt === undefined) return undefined
    this.flights.delete(chunk)
    this.flightBytes -= length
    return sentAt
  }

  answered(sentAt: number, now: number): void {
    this.heardAt = now
    this.#failures = 0
    this.#rests = 0
    this.serviceMs = average(this.serviceMs, now - sentAt)
  }

  /** Counts a failure. Returns whether it should rest, which it then does until `restUntil`. */
  failed(now: number, limits: SchedulerLimits): boolean {
    this.#failures++
    if (this.#failures < limits.failuresInRow) return false
    this.restUntil = now + Math.min(limits.restFirstMs * 2 ** this.#rests, limits.restLastMs)
    this.#rests++
    // One more failure after the rest is enough to rest again.
    this.#failures = limits.failuresInRow - 1
    return true
  }

  /** When its oldest request was sent; undefined when it has none. */
  get oldestAt(): number | undefined {
    return this.flights.values().next().value
  }
}

/** A running average that follows its newest measures. */
export function average(before: number | undefined, measure: number): number {
  return before === undefined ? measure : before + (measure - before) * newestWeight
}

/** The middle one of some numbers, the lower of two; undefined of none. */
export function median(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((a, b) => a - b)[(numbers.length - 1) >> 1]
}
