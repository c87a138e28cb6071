/** Reads all of a bundle, and checks every hash in it. Signatures are the client workflow's to check. */

import { createHash } from 'node:crypto'
import { decodeBundleEnd } from '../../protocol/bundle/bundle-end.ts'
import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import { indexEntryAt, indexEntryBytes } from '../../protocol/bundle/chunk-index.ts'
import { deltaEntryAt, deltaEntryBytes } from '../../protocol/bundle/delta-index.ts'
import { decodePackBody, type PackedItem } from '../../protocol/bundle/pack.ts'
import { archiveEnd, blockBytes, paddingOf } from '../../protocol/bundle/ustar.ts'
import { equalBytes, sha256, toHex } from '../../protocol/encoding/hash.ts'
import { type FilePlace, layOutBundle } from './bundle-layout.ts'
import type { ByteSource } from './byte-source.ts'
import { unpacked } from './packing.ts'

/** Bytes read at a time. */
const pieceBytes = 1 << 20

/** Resolves to the number of bytes of the archive. Throws a BundleError at the first wrong hash. */
export async function verifyBundle(
  source: ByteSource,
  onProgress: (bytes: number) => void = () => {},
  signal?: AbortSignal,
): Promise<number> {
  const places = await layOutBundle(source, signal)
  const hash = createHash('sha256')
  const items: Buffer[] = []
  const frames = new Set<string>()
  let at = 0
  let wrongIndex = false
  for (const place of places) {
    signal?.throwIfAborted()
    if (place.file.kind === 'end') {
      const end = decodeBundleEnd(await piece(source, place.offset, place.size), place.headerOffset)
      const after = place.offset + place.size
      const zeros = await piece(source, after, paddingOf(place.size) + archiveEnd.length)
      if (!equalBytes(end.hash, hash.digest()) || zeros.some(byte => byte !== 0)) {
        throw damaged('expected the hash that the end of the bundle names')
      }
      at = after + zeros.length
      continue
    }
    hash.update(await piece(source, place.headerOffset, blockBytes))
    const packs = 'number' in place.file
    const parts: Uint8Array[] = []
    for (let read = 0; read < place.size; read += pieceBytes) {
      const part = await piece(source, place.offset + read, Math.min(pieceBytes, place.size - read))
      hash.update(part)
      if (packs || isIndex(place)) parts.push(part)
    }
    hash.update(await piece(source, place.offset + place.size, paddingOf(place.size)))
    at = place.offset + place.size + paddingOf(place.size)
    if (packs) {
      const { file } = place
      for (const item of await checkPack(Buffer.concat(parts))) {
        if (file.kind === 'chunks') items.push(keyOf(item, file.number))
        if (file.kind === 'deltas') frames.add(frameKey(file.number, item.offset, item.length))
      }
    }
    if (place.file.kind === 'delta-index') wrongIndex ||= !namesFrames(Buffer.concat(parts), frames)
    if (place.file.kind === 'index') wrongIndex ||= !isIndexOf(Buffer.concat(parts), items)
    onProgress(at)
  }
  if (wrongIndex) throw damaged('expected an index of all chunks in the bundle, got another one')
  return at
}

/** Checks the items of a pack. Those of deltas are frames, whose chunks only a device with their bases can check. */
async function checkPack(bytes: Uint8Array): Promise<PackedItem[]> {
  const body = await unpacked(bytes)
  const items = decodePackBody(body)
  for (const { id, offset, length } of items) {
    if (equalBytes(sha256(body.subarray(offset, offset + length)), id)) continue
    throw damaged(`expected the item ${toHex(id).slice(0, 12)} of a pack, got other bytes`)
  }
  return items.map(item => ({ ...item, id: Uint8Array.from(item.id) }))
}

function isIndex({ file }: FilePlace): boolean {
  return file.kind === 'index' || file.kind === 'delta-index'
}

function frameKey(pack: number, offset: number, length: number): string {
  return `${pack} ${offset} ${length}`
}

/** Whether an index of deltas is sorted, and each entry names a frame that is there. */
function namesFrames(index: Uint8Array, frames: ReadonlySet<string>): boolean {
  let before: Uint8Array | undefined
  for (let i = 0; i < index.length / deltaEntryBytes; i++) {
    const { id, pack, offset, packed } = deltaEntryAt(index, i)
    if (before !== undefined && Buffer.compare(before, id) >= 0) return false
    if (!frames.has(frameKey(pack, offset, packed))) return false
    before = id
  }
  return true
}

/** An index entry in a form that can be compared. */
function keyOf({ id, offset, length }: PackedItem, pack: number): Buffer {
  const key = Buffer.alloc(indexEntryBytes)
  key.set(id)
  key.writeUInt32BE(pack, 32)
  key.writeUInt32BE(offset, 36)
  key.writeUInt32BE(length, 40)
  return key
}

function isIndexOf(index: Uint8Array, items: readonly Buffer[]): boolean {
  if (index.length !== items.length * indexEntryBytes) return false
  const sorted = [...items].sort((a, b) => Buffer.compare(a, b))
  return sorted.every((key, i) => {
    const { id, pack, offset, length } = indexEntryAt(index, i)
    return keyOf({ id, offset, length }, pack).equals(key)
  })
}

async function piece(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await source.read(offset, length)
  if (bytes.length === length) return bytes
  throw BundleError.truncated(`expected ${length} bytes at ${offset}, got ${bytes.length}`)
}

function damaged(message: string): BundleError {
  return new BundleError('damaged', message, { hint: 'Copy the bundle again; the medium may be worn out.' })
}
