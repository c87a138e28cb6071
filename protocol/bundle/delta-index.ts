/** The index of a bundle's deltas: chunks that only a device can unpack which has older chunks. It is a hint like the other one. */

import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { type Base, maxBaseChunks } from '../messages/swarm.ts'
import { BundleError } from './bundle-error.ts'

/**
 * The chunk's ID, then the pack, the offset and the length of its frame there, and its own length; the recipe of its base, the
 * first chunk in that, and how many. Numbers have four bytes, big-endian.
 */
export const deltaEntryBytes = 2 * hashLength + 6 * 4

export interface DeltaEntry {
  readonly id: Uint8Array
  readonly pack: number
  readonly offset: number
  /** Of the zstd frame, whose dictionary is the base. */
  readonly packed: number
  readonly length: number
  readonly base: Base
}

export function encodeDeltaIndex(entries: readonly DeltaEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => Buffer.compare(a.id, b.id))
  const bytes = Buffer.alloc(sorted.length * deltaEntryBytes)
  sorted.forEach(({ id, pack, offset, packed, length, base }, i) => {
    let at = i * deltaEntryBytes
    bytes.set(id, at)
    at += hashLength
    for (const number of [pack, offset, packed, length]) at = bytes.writeUInt32BE(number, at)
    bytes.set(base.recipe, at)
    at = bytes.writeUInt32BE(base.first, at + hashLength)
    bytes.writeUInt32BE(base.count, at)
  })
  return bytes
}

/** The entry at a position of a part of the index. Throws a BundleError if it can't be of any delta. */
export function deltaEntryAt(bytes: Uint8Array, position: number): DeltaEntry {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + position * deltaEntryBytes, deltaEntryBytes)
  const number = (at: number) => view.readUInt32BE(hashLength + 4 * at)
  const base = {
    recipe: view.subarray(hashLength + 16, 2 * hashLength + 16),
    first: view.readUInt32BE(2 * hashLength + 16),
    count: view.readUInt32BE(2 * hashLength + 20),
  }
  const entry = {
    id: view.subarray(0, hashLength),
    ...{ pack: number(0), offset: number(1), packed: number(2), length: number(3), base },
  }
  const { packed, length } = entry
  if (base.count >= 1 && base.count <= maxBaseChunks && packed < length && length <= limits.bundlePack) return entry
  throw BundleError.malformed(
    `expected a delta of a chunk, got ${packed} of ${length} bytes, from ${base.count} chunks`,
  )
}
