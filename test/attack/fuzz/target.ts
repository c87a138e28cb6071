/** A fuzz target: a decoder of bytes from outside, its first inputs, and the errors that it may throw. */

import type { Random } from './random.ts'

export interface Target {
  readonly name: string
  /** Good inputs. */
  readonly seeds: readonly Uint8Array[]
  /**
   * Decodes, and where that went well writes what came out and reads it again: throws when that differs. Anything it
   * throws that isn't `refusals` is a crash.
   */
  run(bytes: Uint8Array, random: Random): unknown
  /** Errors that say no: the decoder's own classes. */
  readonly refusals: readonly (abstract new (
    ...args: never[]
  ) => Error)[]
  /** A change that keeps the form; undefined when these bytes have none. */
  mutate?(bytes: Uint8Array, random: Random): Uint8Array | undefined
}

/** The second result differs from the first one. */
export class UnstableError extends Error {}
