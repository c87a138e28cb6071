/** Tests of chunks that are read from the store: their memory is used again, but never while somebody holds a part of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { noise, noPositions, storePath } from '../../../test/helpers/planted-nar.ts'
import { chunkMemory } from './chunk-memory.ts'
import { ChunkReader } from './chunk-reader.ts'

const length = 50_000
const count = 60
const bytes = noise('nar', length * count)
const path = storePath('a')
const expected = Array.from({ length: count }, (_, i) => bytes.subarray(i * length, (i + 1) * length))

function reader(): { read(number: number): Promise<Uint8Array>; buffers: Set<ArrayBufferLike> } {
  const buffers = new Set<ArrayBufferLike>()
  const readRange = async (offset: number, size: number, into = Buffer.alloc(size)) => {
    buffers.add(into.buffer)
    into.set(bytes.subarray(offset, offset + size))
    return into
  }
  const store = { nar: async () => ({ size: bytes.length, readRange }) }
  const chunks = new ChunkReader({ store, positionsOf: async () => noPositions })
  const read = async (number: number) => {
    const place = { path, offset: number * length, length }
    const found = await chunks.read(place, sha256(expected[number] as Uint8Array))
    assert.ok(found, `chunk ${number}`)
    return found
  }
  return { read, buffers }
}

test('chunks that are held stay as they are while others are read', async () => {
  const { read } = reader()
  const held: Uint8Array[] = []
  for (let number = 0; number < count; number++) held.push(await read(number))
  for (const [number, found] of held.entries()) assert.ok(Buffer.from(expected[number] as Uint8Array).equals(found))
})

test('the memory of chunks that were given back is used again', async () => {
  const { read, buffers } = reader()
  for (let number = 0; number < count; number++) chunkMemory.give(await read(number))
  // Of the first chunk, of two windows in turn, and of the last one, which is smaller.
  assert.ok(buffers.size <= 4, `expected the same memory again, got ${buffers.size} buffers`)
})
