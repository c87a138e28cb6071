/** Packs: many chunks or documents in one zstd frame, each named by its SHA-256. This is the body, unpacked. */

import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { BundleError } from './bundle-error.ts'

/** The count of a pack, and the ID and length of each item. */
const countBytes = 4
const packedItemBytes = hashLength + 4

/** An item's place in the body of its pack. */
export interface PackedItem {
  readonly id: Uint8Array
  readonly offset: number
  readonly length: number
}

export interface PackItem {
  readonly id: Uint8Array
  readonly bytes: Uint8Array
}

/** The size of a pack's body with so many items of so many bytes together. */
export function packBodyBytes(count: number, bytes: number): number {
  return countBytes + count * packedItemBytes + bytes
}

/** The body of a pack: the number of items, ID and length of each, then their bytes. Numbers are big-endian. */
export function encodePackBody(items: readonly PackItem[]): Uint8Array {
  const bytes = items.reduce((sum, item) => sum + item.bytes.length, 0)
  const body = Buffer.allocUnsafe(packBodyBytes(items.length, bytes))
  let at = writePackList(
    body,
    items.map(({ id, bytes }) => ({ id, length: bytes.length })),
  )
  for (const item of items) {
    body.set(item.bytes, at)
    at += item.bytes.length
  }
  return body
}

/** Writes what precedes the items into a body that is to be filled; returns where the first item goes. */
export function writePackList(body: Buffer, items: readonly Omit<PackedItem, 'offset'>[]): number {
  let at = body.writeUInt32BE(items.length, 0)
  for (const { id, length } of items) {
    body.set(id, at)
    at = body.writeUInt32BE(length, at + hashLength)
  }
  return at
}

/** The items of a pack's body, whose hashes are not checked. Throws a BundleError unless they fill it exactly. */
export function decodePackBody(body: Uint8Array): PackedItem[] {
  const view = Buffer.from(body.buffer, body.byteOffset, body.length)
  const count = body.length < countBytes ? -1 : view.readUInt32BE(0)
  if (count < 0 || count > limits.bundlePackItems || packBodyBytes(count, 0) > body.length) {
    throw BundleError.malformed(`expected a pack with a list of its items, got ${body.length} bytes for ${count}`)
  }
  const items: PackedItem[] = []
  let offset = packBodyBytes(count, 0)
  for (let at = countBytes, i = 0; i < count; at += packedItemBytes, i++) {
    const length = view.readUInt32BE(at + hashLength)
    items.push({ id: body.subarray(at, at + hashLength), offset, length })
    offset += length
  }
  if (offset !== body.length) throw BundleError.malformed(`expected a pack of ${offset} bytes, got ${body.length}`)
  return items
}
