/** Tests of a path's NAR in pieces: what they keep of the memory of chunks. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AbortRace } from '../../concurrency/abort-race.ts'
import type { PathChunks } from '../chunks/chunk-list.ts'
import { chunkMemory } from '../chunks/chunk-memory.ts'
import { NarPieces } from './nar-pieces.ts'

const chunkBytes = 70_000

/** A path of some chunks with nothing to restore; each is full of its own number. */
function pathOf(count: number): PathChunks {
  const chunks = Array.from({ length: count }, (_, number) => number)
  const places = chunks.map(number => ({ hash: new Uint8Array(32), offset: number * chunkBytes, length: chunkBytes }))
  const positions = { offsets: new Float64Array(), slots: new Uint32Array() }
  const recipe = { size: count * chunkBytes, chunks: places, slotCount: 0, positions }
  return { chunks, recipe, slots: [] } as unknown as PathChunks
}

for (const verify of [true, false]) {
  test(`${verify ? 'verified' : 'unstaged'} chunks are given back when they are in the NAR`, async () => {
    const lent: Uint8Array[] = []
    const read = async (number: number) => {
      const bytes = chunkMemory.take(chunkBytes).fill(number)
      lent.push(bytes)
      return bytes
    }
    const chunks = { has: () => true, read, readRun: async () => 0 }
    const race = new AbortRace(new AbortController().signal)
    const pieces = new NarPieces({ chunks, available: async () => {}, race })
    const nar: Buffer[] = []
    for await (const piece of pieces.of(pathOf(5), { verify })) nar.push(Buffer.from(piece))
    const whole = Buffer.concat([0, 1, 2, 3, 4].map(number => Buffer.alloc(chunkBytes, number)))
    assert.deepEqual(Buffer.concat(nar), whole)
    assert.equal(lent.length, 5)
    // Memory that was given back belongs to nobody, or to the chunk that was read into it next.
    const held = new Set(lent.map(bytes => bytes.buffer))
    assert.ok([...held].every(buffer => isFree(buffer)))
  })
}

function isFree(buffer: ArrayBufferLike): boolean {
  try {
    chunkMemory.give(new Uint8Array(buffer))
    return false
  } catch (thrown) {
    return thrown instanceof RangeError
  }
}
