/** A chunk that a bundle is to hold, by its place in a closure. */

import type { KnownClosure } from '../swarm/chunks/closures.ts'

export interface PlannedChunk {
  readonly closure: KnownClosure
  readonly number: number
}

export function lengthOf({ closure, number }: PlannedChunk): number {
  return closure.list.length(number)
}

/** SHA-256 of its bytes. */
export function idOf({ closure, number }: PlannedChunk): Uint8Array {
  return closure.list.hash(number)
}
