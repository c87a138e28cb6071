/** Normalises NARs: finds and blanks the hashes of references in a stream, and restores them in any range. */

import { filler, firstPositionAfter, type Positions, referenceLength } from '../../../protocol/closure/positions.ts'
import { nix32Alphabet } from '../../../protocol/nix/base32.ts'

/** The value of each byte as a nix32 digit: 0 to 31, or `noDigit`. */
const noDigit = 0xff
const digitOfByte = new Uint8Array(256).fill(noDigit)
for (const [digit, character] of [...nix32Alphabet].entries()) digitOfByte[character.charCodeAt(0)] = digit

/** Three characters of five bits. */
const prefixCount = 32 ** 3

/**
 * Finds the 32-character hash parts of references in a streamed NAR, blanks them and records their positions. The
 * result doesn't depend on the pieces: the leftmost occurrence of any hash part, then the leftmost that begins after
 * its end, and so on. Slots are numbered by first occurrence.
 *
 * The search is Nix's own (`RefScanSink` in `libstore/references.cc`): check the last byte of a 32-byte window, and
 * if it isn't a nix32 character, skip past it. A table of the first three characters then avoids most look-ups.
 *
 * Holds one piece and 31 bytes in memory.
 */
export class Normaliser {
  readonly #candidates: Map<string, number>
  /** 1 if some hash part begins with these three characters. */
  readonly #prefixes = new Uint8Array(prefixCount)
  /** The slot of each hash part, -1 before its first occurrence. */
  readonly #slotOf: Int32Array
  readonly #order: number[] = []
  readonly #offsets: number[] = []
  readonly #slots: number[] = []
  #window = Buffer.alloc(0)
  /** The used length of the window, and the undecided length at its end. */
  #used = 0
  #kept = 0
  /** NAR offset of the first undecided byte. */
  #base = 0

  /** Takes distinct hash parts of 32 nix32 characters each. */
  constructor(hashParts: readonly string[]) {
    this.#candidates = new Map(hashParts.map((hashPart, i) => [hashPart, i]))
    this.#slotOf = new Int32Array(hashParts.length).fill(-1)
    for (const hashPart of hashParts) this.#prefixes[prefixOf(Buffer.from(hashPart, 'latin1'), 0)] = 1
  }

  /** For each slot the index of its hash part, as given to the constructor. */
  get order(): readonly number[] {
    return this.#order
  }

  /** The number of references found so far. */
  get count(): number {
    return this.#offsets.length
  }

  /** The positions found so far, from index `from` on. */
  positions(from = 0): Positions {
    return { offsets: Float64Array.from(this.#offsets.slice(from)), slots: Uint32Array.from(this.#slots.slice(from)) }
  }

  /**
   * Consumes a piece and returns the normalised bytes that are final: up to 31 bytes are held back, and no reference
   * straddles the end of the result. The result is a view, valid until the next call.
   */
  push(piece: Uint8Array): Uint8Array {
    const length = this.#kept + piece.length
    const before = this.#window
    // Grown, never shrunk: the pieces of a stream have similar sizes, and allocation costs more than the search.
    if (before.length < length) this.#window = Buffer.allocUnsafeSlow(length)
    this.#window.set(before.subarray(this.#used - this.#kept, this.#used), 0)
    this.#window.set(piece, this.#kept)
    const certain = this.#candidates.size === 0 ? length : this.#blank(length)
    this.#base += certain
    this.#kept = length - certain
    this.#used = length
    return this.#window.subarray(0, certain)
  }

  /** Returns the last bytes; push() must not be called afterwards. */
  finish(): Uint8Array {
    return this.#window.subarray(this.#used - this.#kept, this.#used)
  }

  /**
   * Blanks the references that begin in the window's first `length` bytes; returns the offset of the first undecided
   * byte.
   */
  #blank(length: number): number {
    const window = this.#window
    const prefixes = this.#prefixes
    const digits = digitOfByte
    let at = 0
    /** Bytes from `at` to here are known nix32 characters: keeps long runs of them linear. */
    let known = 0
    while (at + referenceLength <= length) {
      let last = at + referenceLength - 1
      while (last >= known && digits[window[last] as number] !== noDigit) last--
      if (last >= known) {
        at = known = last + 1
        continue
      }
      known = at + referenceLength
      const candidate =
        prefixes[prefixOf(window, at)] === 1
          ? this.#candidates.get(window.toString('latin1', at, at + referenceLength))
          : undefined
      if (candidate === undefined) {
        at++
        continue
      }
      this.#remember(this.#base + at, candidate)
      window.fill(filler, at, at + referenceLength)
      at = known
    }
    return at
  }

  #remember(offset: number, candidate: number): void {
    if (this.#slotOf[candidate] === -1) this.#slotOf[candidate] = this.#order.push(candidate) - 1
    this.#offsets.push(offset)
    this.#slots.push(this.#slotOf[candidate] ?? 0)
  }
}

/**
 * Blanks the references in `bytes` in place. `bytes` are the NAR's from offset `start`, and a reference may extend
 * beyond either end. It needs no hashes: a peer serves a chunk straight from its store this way.
 */
export function normaliseRange(bytes: Uint8Array, start: number, positions: Positions): Uint8Array {
  eachOverlap(bytes.length, start, positions, (from, to) => bytes.fill(filler, from, to))
  return bytes
}

/**
 * Restores the hash parts of `slots` (slot → 32 ASCII bytes) in `bytes` in place. `bytes` are the normalised NAR's
 * from offset `start`, and a reference may extend beyond either end.
 */
export function restore(
  bytes: Uint8Array,
  start: number,
  positions: Positions,
  slots: readonly Uint8Array[],
): Uint8Array {
  eachOverlap(bytes.length, start, positions, (from, to, slot, skipped) => {
    const hashPart = slots[slot]
    if (hashPart === undefined) throw new RangeError(`expected a hash part for slot ${slot}, got ${slots.length} slots`)
    bytes.set(hashPart.subarray(skipped, skipped + to - from), from)
  })
  return bytes
}

/**
 * Calls back for each position that overlaps the range, with the overlap and the number of hash characters before it.
 */
function eachOverlap(
  length: number,
  start: number,
  positions: Positions,
  visit: (from: number, to: number, slot: number, skipped: number) => void,
): void {
  const { offsets, slots } = positions
  for (let i = firstPositionAfter(positions, start); i < offsets.length; i++) {
    const at = (offsets[i] as number) - start
    if (at >= length) return
    const from = Math.max(at, 0)
    visit(from, Math.min(at + referenceLength, length), slots[i] as number, from - at)
  }
}

function prefixOf(bytes: Uint8Array, at: number): number {
  return (
    ((digitOfByte[bytes[at] as number] as number) << 10) |
    ((digitOfByte[bytes[at + 1] as number] as number) << 5) |
    (digitOfByte[bytes[at + 2] as number] as number)
  )
}
