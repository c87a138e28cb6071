/** The index of a bundle: where each chunk lies, sorted by its ID. It is a hint, since every chunk is hashed. */

import { hashLength } from '../encoding/hash.ts'

/** An ID, then the number of the pack, the offset in its body and the length, each in four bytes, big-endian. */
export const indexEntryBytes = hashLength + 12

export interface IndexEntry {
  readonly id: Uint8Array
  readonly pack: number
  readonly offset: number
  readonly length: number
}

export function encodeIndex(entries: readonly IndexEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => Buffer.compare(a.id, b.id))
  const bytes = Buffer.alloc(sorted.length * indexEntryBytes)
  sorted.forEach(({ id, pack, offset, length }, i) => {
    const at = i * indexEntryBytes
    bytes.set(id, at)
    bytes.writeUInt32BE(pack, at + hashLength)
    bytes.writeUInt32BE(offset, at + hashLength + 4)
    bytes.writeUInt32BE(length, at + hashLength + 8)
  })
  return bytes
}

/** The entry at a position of a part of the index. */
export function indexEntryAt(bytes: Uint8Array, position: number): IndexEntry {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + position * indexEntryBytes, indexEntryBytes)
  return {
    id: view.subarray(0, hashLength),
    pack: view.readUInt32BE(hashLength),
    offset: view.readUInt32BE(hashLength + 4),
    length: view.readUInt32BE(hashLength + 8),
  }
}
