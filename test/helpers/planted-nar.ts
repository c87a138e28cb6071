/** NAR-like data for tests: random bytes with planted hashes, cut into pieces at random, and an in-memory NAR source. */

import { createCipheriv, createHash } from 'node:crypto'
import fc from 'fast-check'
import type { NarSource } from '../../node/swarm/recipe/nar-source.ts'
import type { Positions } from '../../protocol/closure/positions.ts'
import { encodeNix32 } from '../../protocol/nix/base32.ts'

/** Of a NAR without references. */
export const noPositions: Positions = { offsets: new Float64Array(0), slots: new Uint32Array(0) }

/** A valid hash part, different for each seed. */
export function hashPart(seed: string): string {
  return encodeNix32(createHash('sha256').update(seed).digest().subarray(0, 20))
}

export function storePath(seed: string, name = 'thing-1.0'): string {
  return `/nix/store/${hashPart(seed)}-${name}`
}

/** Pieces of a NAR: literal bytes, or the hash part of the reference with this number. */
export type Planted = readonly (Uint8Array | number)[]

/** Bytes of a planted NAR when its references have these hash parts. */
export function plantedBytes(planted: Planted, hashParts: readonly string[]): Uint8Array {
  return Buffer.concat(
    planted.map(part => (typeof part === 'number' ? Buffer.from(hashParts[part] ?? '', 'latin1') : part)),
  )
}

/** Bytes of `length` that are the same for the same seed: incompressible, and of no pattern that chunking could like. */
export function noise(seed: string, length: number): Uint8Array {
  const key = createHash('sha256').update(seed).digest()
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  return cipher.update(new Uint8Array(length))
}

/**
 * Planted NARs of up to some 300 KiB with up to `referenceCount` references: noise, text of nix32 characters (where
 * searches stumble), fillers, and hash parts side by side.
 */
export function plantedNar(referenceCount: number): fc.Arbitrary<Planted> {
  const literal = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 100 }),
    fc.stringMatching(/^[0-9abcdfghijklmnpqrsvwxyz]{1,70}$/).map(text => Buffer.from(text)),
    fc.integer({ min: 1, max: 70 }).map(length => Buffer.alloc(length, '_')),
    fc
      .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 60_000 }))
      .map(([seed, length]) => noise(`${seed}`, length)),
  )
  const reference = fc.integer({ min: 0, max: referenceCount - 1 })
  return fc.array(fc.oneof(literal, reference), { minLength: 1, maxLength: 20 })
}

/** Cuts bytes at the given places (as fractions of the length), empty pieces included. */
export function* pieces(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  let start = 0
  for (const cut of cuts.map(fraction => Math.floor(fraction * bytes.length)).toSorted((a, b) => a - b)) {
    yield bytes.subarray(start, cut)
    start = cut
  }
  yield bytes.subarray(start)
}

export const cutsArbitrary: fc.Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  maxLength: 12,
})

/** A NAR in memory. */
export function memoryNar(bytes: Uint8Array, pieceSize = 10_000): NarSource {
  return {
    size: bytes.length,
    readRange: async (offset, length) => bytes.slice(offset, offset + length),
    async *stream(start = 0, end = bytes.length) {
      for (let at = start; at < end; at += pieceSize) yield bytes.slice(at, Math.min(at + pieceSize, end))
    },
  }
}
