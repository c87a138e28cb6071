/** The scheduler's state of one peer: its chunks, pending requests and response times. */

import { Bitfield } from '../chunks/bitfield.ts'
import type { SchedulerLimits } from '../limits.ts'
import { seedOf } from './rendezvous.ts'

/** The weight of the newest measurement in a running average: a few answers reveal a change. */
const newestWeight = 0.25

export class PeerState {
  readonly id: string
  readonly local: boolean
  readonly seed: number
  readonly has: Bitfield
  /** It fetches the same closure. */
  wants = false
  /** Chunks that it failed to send recently, and until when they aren't asked of it. */
  readonly lost = new Map<number, number>()
  /** Pending requests, oldest first, with the time of each. */
  readonly flights = new Map<number, number>()
  flightBytes = 0
  windowBytes: number
  busyUntil = 0
  /** When it answered last, or received a request while idle. */
  heardAt = 0
  /** A running average of its response time; undefined before the first answer. */
  serviceMs: number | undefined
  /** There was nothing to request from it; cleared when that may have changed. */
  starved = false
  /** Its requests have been pending for too long, so they are repeated at other peers. */
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

  /** Its chunks count, and its pending requests are expected to be answered. */
  get usable(): boolean {
    return !this.stalled && !this.resting
  }

  /** Whether this chunk can be requested from it: it has the chunk, hasn't failed recently, and wasn't asked yet. */
  canGive(chunk: number): boolean {
    return this.has.has(chunk) && !this.lost.has(chunk) && !this.flights.has(chunk)
  }

  /** Whether it can take a request now. */
  isReady(now: number): boolean {
    return this.usable && now >= this.busyUntil && this.flightBytes < this.windowBytes
  }

  /** Whether a chunk of this length fits its window; a chunk larger than the window is sent alone. */
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

  /** Forgets a request. Returns when it was sent; undefined if there was none. */
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

  /** Counts a failure. Returns whether the peer rests now, which lasts until `restUntil`. */
  failed(now: number, limits: SchedulerLimits): boolean {
    this.#failures++
    if (this.#failures < limits.failuresInRow) return false
    this.restUntil = now + Math.min(limits.restFirstMs * 2 ** this.#rests, limits.restLastMs)
    this.#rests++
    // After a rest, one more failure starts the next one.
    this.#failures = limits.failuresInRow - 1
    return true
  }

  /** When its oldest pending request was sent; undefined if there is none. */
  get oldestAt(): number | undefined {
    return this.flights.values().next().value
  }
}

/** A running average that follows recent measurements. */
export function average(before: number | undefined, measure: number): number {
  return before === undefined ? measure : before + (measure - before) * newestWeight
}

/** The median, the lower one of two; undefined for an empty list. */
export function median(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((a, b) => a - b)[(numbers.length - 1) >> 1]
}
