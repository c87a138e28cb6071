/** Progress of a closure's fetch: paths, bytes by source, rate and time left. */

import type { PathChunks } from '../chunks/chunk-list.ts'
import type { Arrival } from '../session/arrival.ts'
import { Pace } from './pace.ts'

/** Sizes are in bytes of uncompressed chunks; `wire` counts bytes on the wire. */
export class Progress {
  /** Paths that the store lacked, and the size of their NARs. */
  readonly paths: number
  readonly size: number
  /** Bytes of chunks that were not local when the fetch began. */
  needed = 0
  fromControllers = 0
  fromNeighbours = 0
  /** The part of both that came from other sites. */
  fromElsewhere = 0
  wire = 0
  /** Bytes of chunks that were redundant or invalid on arrival. */
  wasted = 0
  pathsDone = 0
  readonly #pace = new Pace()
  #beganAt = performance.now()
  #cameAt = 0

  constructor(missing: readonly PathChunks[]) {
    this.paths = missing.length
    this.size = missing.reduce((sum, { described }) => sum + described.narSize, 0)
  }

  begin(needed: number): void {
    this.needed = needed
    this.#beganAt = performance.now()
  }

  /** Bytes still to come, some of them perhaps again. */
  expect(bytes: number): void {
    this.needed = this.received + bytes
  }

  arrived({ peer, bytes, wire }: Omit<Arrival, 'chunk'>): void {
    if (peer.controller) this.fromControllers += bytes
    else this.fromNeighbours += bytes
    if (!peer.local) this.fromElsewhere += bytes
    this.wire += wire
    this.#cameAt = performance.now()
    this.#pace.add(bytes, this.#cameAt)
  }

  imported(): void {
    this.pathsDone++
  }

  get received(): number {
    return this.fromControllers + this.fromNeighbours
  }

  /** Bytes of NARs that were rebuilt from local chunks. */
  get fromStore(): number {
    return Math.max(0, this.size - this.needed)
  }

  get pathsLeft(): number {
    return this.paths - this.pathsDone
  }

  /** While bytes arrive, the recent rate, or 0 if unknown. Once all have arrived, the average. */
  get bytesPerSecond(): number {
    if (this.received === 0 || this.received < this.needed) return this.#pace.bytesPerSecond() ?? 0
    return (this.received / Math.max(1, this.#cameAt - this.#beganAt)) * 1000
  }

  /** Time until all chunks are here, at the recent rate; undefined if that is unknown or nothing is left. */
  get secondsLeft(): number | undefined {
    const left = this.needed - this.received
    const pace = left > 0 ? this.#pace.bytesPerSecond() : undefined
    return pace === undefined || pace < 1 ? undefined : left / pace
  }
}
