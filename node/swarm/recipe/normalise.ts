/** The normal form of a NAR: its references' hashes found and blanked in a stream, and put back into any range. */

import { firstPositionAfter, type Positions, referenceLength } from '../../../protocol/closure/positions.ts'
import { filler } from '../../../protocol/closure/recipe.ts'
import { nix32Alphabet } from '../../../protocol/nix/base32.ts'

/** What each byte means in nix32: 0 to 31, or `noDigit`. */
const noDigit = 0xff
const digitOfByte = new Uint8Array(256).fill(noDigit)
for (const [digit, character] of [...nix32Alphabet].entries()) digitOfByte[character.charCodeAt(0)] = digit

/** Three characters of five bits. */
const prefixCount = 32 ** 3

/**
 * Finds the 32-character hash parts of references in a NAR that comes in pieces, blanks them and remembers where they
 * stood. What counts is defined without regard to the pieces: of all places where a hash part stands, the leftmost, then
 * the leftmost that begins after its end, and so on. Slots are numbered by first occurrence.
 *
 * The search is Nix's own (`RefScanSink` in `libstore/references.cc`): look at the last byte of a window of 32, and when
 * it is no nix32 character, go on behind it; a table over the first three characters then spares most look-ups.
 *
 * Holds a piece and 31 bytes in memory.
 */
export class Normaliser {
  readonly #candidates: Map<string, number>
  /** 1 where some hash part begins with these three characters. */
  readonly #prefixes = new Uint8Array(prefixCount)
  /** Slot of each hash part, -1 before its first occurrence. */
  readonly #slotOf: Int32Array
  readonly #order: number[] = []
  readonly #offsets: number[] = []
  readonly #slots: number[] = []
  #window = Buffer.alloc(0)
  /** How much of the window is in use, and how much of that, at its end, is still undecided. */
  #used = 0
  #kept = 0
  /** NAR offset of the first undecided byte. */
  #base = 0

  /** Takes different hash parts of 32 nix32 characters each. */
  constructor(hashParts: readonly string[]) {
    this.#candidates = new Map(hashParts.map((hashPart, i) => [hashPart, i]))
    this.#slotOf = new Int32Array(hashParts.length).fill(-1)
    for (const hashPart of hashParts) this.#prefixes[prefixOf(Buffer.from(hashPart, 'latin1'), 0)] = 1
  }

  /** Index of the hash part (as given to the constructor) that each slot stands for. */
  get order(): readonly number[] {
    return this.#order
  }

  /** How many references were found up to now. */
  get count(): number {
    return this.#offsets.length
  }

  /** What was found up to now, from the reference with index `from`. */
  positions(from = 0): Positions {
    return { offsets: Float64Array.from(this.#offsets.slice(from)), slots: Uint32Array.from(this.#slots.slice(from)) }
  }

  /**
   * Takes the next piece and returns the normalised bytes that are certain by now: up to 31 bytes stay back for the next
   * piece, and no reference straddles the end of what is returned. It is a view, valid until the next call.
   */
  push(piece: Uint8Array): Uint8Array {
    const length = this.#kept + piece.length
    const before = this.#window
    // Grown, never shrunk: pieces of a stream are of about one size, and fresh memory costs more than the search.
    if (before.length < length) this.#window = Buffer.allocUnsafeSlow(length)
    this.#window.set(before.subarray(this.#used - this.#kept, this.#used), 0)
    this.#window.set(piece, this.#kept)
    const certain = this.#candidates.size === 0 ? length : this.#blank(length)
    this.#base += certain
    this.#kept = length - certain
    this.#used = length
    return this.#window.subarray(0, certain)
  }

  /** Returns the last bytes; nothing may be pushed after it. */
  finish(): Uint8Array {
    return this.#window.subarray(this.#used - this.#kept, this.#used)
  }

  /** Blanks the references that begin in the window's first `length` bytes; returns where the first undecided byte is. */
  #blank(length: number): number {
    const window = this.#window
    const prefixes = this.#prefixes
    const digits = digitOfByte
    let at = 0
    /** Bytes from `at` to here are known to be nix32 characters: keeps long runs of them linear. */
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
 * Blanks, in place, the references in `bytes`, which are the NAR's bytes from offset `start`; a reference may reach
 * beyond either end. It needs no hashes: this is how a peer serves a chunk straight out of its store.
 */
export function normaliseRange(bytes: Uint8Array, start: number, positions: Positions): Uint8Array {
  eachOverlap(bytes.length, start, positions, (from, to) => bytes.fill(filler, from, to))
  return bytes
}

/**
 * Puts, in place, the hash parts of `slots` (slot → 32 ASCII bytes) back into `bytes`, which are the normalised NAR's
 * bytes from offset `start`; a reference may reach beyond either end.
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

/** Whether any reference stands in, or reaches into, a range: else its normal form is the range itself. */
export function hasReferences(length: number, start: number, positions: Positions): boolean {
  return (positions.offsets[firstPositionAfter(positions, start)] ?? Number.POSITIVE_INFINITY) < start + length
}

/** Calls back for each position that overlaps the range, with its part in the range and how much lies before it. */
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
