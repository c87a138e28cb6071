/** Landmarks: places of a stream that its content chooses, by which the same content is found again in another one. */

import { gearTable } from '../recipe/chunker.ts'

/** Bytes that a landmark is recognised by: those before its place. */
const keyBytes = 24
/** Where so many high bits of the rolling hash are zero is a landmark: once in 512 bytes. */
const hashShift = 23
const fnvPrime = 0x01000193

/** Landmarks in the order of the stream. */
export interface Landmarks {
  /** Offsets in the stream, in bytes. */
  readonly offsets: readonly number[]
  /** A hash of the bytes before each. */
  readonly keys: readonly number[]
}

/**
 * Finds the landmarks of a stream. The rolling hash depends on the last 16 bytes, as that of the chunker does on the last 32: code whose
 * addresses have changed keeps what lies between them. A landmark in the first bytes of a piece is left out.
 */
export async function landmarksOf(stream: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Landmarks> {
  const offsets: number[] = []
  const keys: number[] = []
  let base = 0
  let hash = 0
  for await (const piece of stream) {
    signal?.throwIfAborted()
    // As a plain array: see the chunker.
    const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.length)
    hash = scan(bytes, hash, at => {
      if (at < keyBytes) return
      offsets.push(base + at)
      keys.push(keyBefore(bytes, at))
    })
    base += bytes.length
  }
  return { offsets, keys }
}

function scan(bytes: Uint8Array, before: number, found: (at: number) => void): number {
  const gear = gearTable
  let hash = before
  for (let at = 0; at < bytes.length; at++) {
    hash = (hash << 2) ^ (gear[bytes[at] as number] as number)
    if (hash >>> hashShift === 0) found(at + 1)
  }
  return hash
}

/** FNV-1a over the bytes before a place. */
function keyBefore(bytes: Uint8Array, at: number): number {
  let key = 0x811c9dc5
  for (let i = at - keyBytes; i < at; i++) key = Math.imul(key ^ (bytes[i] as number), fnvPrime)
  return key
}
