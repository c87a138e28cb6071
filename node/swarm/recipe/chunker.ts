/** The chunker: where a stream of bytes is cut, decided by its content, so that an insertion moves few borders. */

import { createHash } from 'node:crypto'

/** No border before this many bytes of a chunk. */
export const minChunkSize = 16 * 1024
/** Borders are rare before this many bytes and frequent after, which draws lengths towards it. */
const normalChunkSize = 64 * 1024
/** A border at the latest here. */
export const maxChunkSize = 256 * 1024

/** The mask as a shift: what is left of the hash are its 18 high bits (zero once in 256 KiB) … */
const shiftBeforeNormal = 14
/** … or its 14 high bits (zero once in 16 KiB). */
const shiftAfterNormal = 18

/**
 * The gear table: entry `i` is the first four bytes, big-endian, of SHA-256 over the ASCII text `thymesh gear 1 ` and
 * `i` in decimal. Wire-stable: another table cuts elsewhere, and nothing would be shared with peers that use this one.
 */
export const gearTable: Int32Array = Int32Array.from({ length: 256 }, (_, i) =>
  createHash('sha256').update(`thymesh gear 1 ${i}`).digest().readInt32BE(0),
)

/**
 * Finds chunk borders in a stream that may come in pieces of any length; the borders don't depend on the pieces.
 *
 * FastCDC with normalised chunking of level 2 (Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking
 * Approach for Data Deduplication", USENIX ATC 2016, algorithm 1), on a 32-bit hash that is rolled with exclusive or
 * instead of a sum, `hash = (hash << 1) ^ gearTable[byte]`: V8 takes a sum for a double at first, which halves the speed. The
 * hash is zero at {@link minChunkSize} bytes into the chunk; a border is after the byte that makes its high bits zero:
 * 18 of them before {@link normalChunkSize}, 14 after it. Bit `n` depends on the last `n + 1` bytes.
 */
export class Chunker {
  #length = 0
  readonly #state = new Int32Array(1)

  /**
   * Looks for the current chunk's end in `bytes`, from index `start`. Returns the index after the chunk's last byte
   * (call again from there), or -1 when the chunk goes on beyond these bytes.
   */
  next(bytes: Uint8Array, start: number): number {
    const plain = withoutBuffer(bytes)
    const end = plain.length
    const origin = start - this.#length
    const first = Math.min(end, Math.max(start, origin + minChunkSize))
    const last = Math.min(end, origin + maxChunkSize)
    const normal = Math.min(last, Math.max(first, origin + normalChunkSize))
    const found =
      scan(plain, first, normal, shiftBeforeNormal, this.#state) ||
      scan(plain, normal, last, shiftAfterNormal, this.#state)
    const border = found || (last === origin + maxChunkSize ? last : -1)
    if (border === -1) {
      this.#length = end - origin
    } else {
      this.#length = 0
      this.#state[0] = 0
    }
    return border
  }
}

/** Index after the byte that makes a border, or 0; the rolling hash is read from and left in `state[0]`. */
function scan(bytes: Uint8Array, start: number, end: number, shift: number, state: Int32Array): number {
  const gear = gearTable
  let hash = state[0] as number
  for (let at = start; at < end; at++) {
    hash = (hash << 1) ^ (gear[bytes[at] as number] as number)
    if (hash >>> shift === 0) return at + 1
  }
  state[0] = hash
  return 0
}

/** The same bytes as a plain Uint8Array: a loop that has met Buffers too runs at a third of its speed in V8. */
function withoutBuffer(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes
}
