/** Content-defined chunking: the content decides where a stream is cut, so an insertion moves few boundaries. */

import { createHash } from 'node:crypto'

/** The smallest chunk, except for the last of a stream. */
export const minChunkSize = 16 * 1024
/** Boundaries are rare before this size and frequent after it, which concentrates chunk sizes around it. */
const normalChunkSize = 64 * 1024
/** The largest chunk. */
export const maxChunkSize = 256 * 1024

/** The mask as a shift: only the hash's 18 high bits remain (zero once in 256 KiB) … */
const shiftBeforeNormal = 14
/** … or its 14 high bits (zero once in 16 KiB). */
const shiftAfterNormal = 18

/**
 * The gear table: entry `i` is the first four bytes, big-endian, of SHA-256 over the ASCII text `thymesh gear 1 `
 * followed by `i` in decimal. Part of the wire format: with another table, no chunks would be shared.
 */
export const gearTable: Int32Array = Int32Array.from({ length: 256 }, (_, i) =>
  createHash('sha256').update(`thymesh gear 1 ${i}`).digest().readInt32BE(0),
)

/**
 * Finds chunk boundaries in a stream of pieces; the boundaries don't depend on the pieces.
 *
 * FastCDC with normalised chunking of level 2 (Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking
 * Approach for Data Deduplication", USENIX ATC 2016, algorithm 1), with a 32-bit hash that is rolled by exclusive or
 * instead of addition, `hash = (hash << 1) ^ gearTable[byte]`: V8 treats a sum as a double at first, which halves the
 * speed. The hash is zero at {@link minChunkSize} bytes into the chunk. A boundary follows the byte that makes its
 * high bits zero: 18 of them before {@link normalChunkSize}, 14 after it. Bit `n` depends on the last `n + 1` bytes.
 */
export class Chunker {
  #length = 0
  readonly #state = new Int32Array(1)

  /**
   * Looks for the current chunk's end in `bytes`, from index `start`. Returns the index after the chunk's last byte
   * (call again from there), or -1 if the chunk continues beyond these bytes.
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

/** The index after the byte that makes a boundary, or 0. The rolling hash is read from and stored in `state[0]`. */
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

/** The same bytes as a plain Uint8Array: in V8, a loop that has also seen Buffers runs at a third of the speed. */
function withoutBuffer(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes
}
