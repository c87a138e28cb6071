/** How far a closure's fetch is: paths, chunks, bytes by source, rate and time left. */

import type { PathChunks } from '../chunks/chunk-list.ts'
import type { Arrival } from '../session/closure-swarm.ts'
import { Pace } from './pace.ts'

/** All bytes are of chunks as they are, uncompressed; `wire` is what they took on the wire. */
export class Progress {
  /** Paths that the store lacked, and bytes of their NARs. */
  readonly paths: number
  readonly size: number
  /** Bytes of chunks that were not on this machine when the fetch began. */
  needed = 0
  fromControllers = 0
  fromNeighbours = 0
  /** Of both, what came from other sites. */
  fromElsewhere = 0
  wire = 0
  /** Bytes of chunks that came and were here by then, or were wrong. */
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

  /** So much is still to come, some of it maybe anew. */
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

  /** Bytes of NARs that were rebuilt from what this machine has. */
  get fromStore(): number {
    return Math.max(0, this.size - this.needed)
  }

  get pathsLeft(): number {
    return this.paths - this.pathsDone
  }

  /** While bytes come: how fast, lately, or 0 where that isn't known. Once all have come: how fast they did, over all. */
  get bytesPerSecond(): number {
    if (this.received === 0 || this.received < this.needed) return this.#pace.bytesPerSecond() ?? 0
    return (this.received / Math.max(1, this.#cameAt - this.#beganAt)) * 1000
  }

  /** Until all chunks are here, by the pace of the last seconds; nothing when there is none, or no chunk to wait for. */
  get secondsLeft(): number | undefined {
    const left = this.needed - this.received
    const pace = left > 0 ? this.#pace.bytesPerSecond() : undefined
    return pace === undefined || pace < 1 ? undefined : left / pace
  }
}
