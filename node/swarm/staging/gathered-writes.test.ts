/** Pieces land at their places, however many calls it takes, and each learns of its own failure only. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatheredWrites } from './gathered-writes.ts'

/** A file in memory that counts calls, takes so many bytes at once and refuses to write beyond its end. */
function fileOf(size: number, { atOnce = Number.POSITIVE_INFINITY } = {}) {
  const bytes = Buffer.alloc(size)
  const calls: number[] = []
  const put = (from: Uint8Array, position: number) => {
    if (position >= size) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    const part = from.subarray(0, Math.min(from.length, size - position, atOnce))
    bytes.set(part, position)
    return part.length
  }
  const handle = {
    async write(from: Uint8Array, offset: number, length: number, position: number) {
      calls.push(1)
      return { bytesWritten: put(from.subarray(offset, offset + length), position), buffer: from }
    },
    async writev(pieces: Uint8Array[], position: number) {
      calls.push(pieces.length)
      return { bytesWritten: put(Buffer.concat(pieces), position), buffers: pieces }
    },
  }
  return { bytes, calls, writes: new GatheredWrites(Promise.resolve(handle) as never) }
}

const piece = (value: number, length = 10) => new Uint8Array(length).fill(value)

describe('gathered writes', () => {
  it('writes what waits side by side in one call, in any order', async () => {
    const { bytes, calls, writes } = fileOf(50)
    await Promise.all([3, 1, 4, 2, 0].map(at => writes.write(piece(at + 1), at * 10)))
    assert.deepEqual([...new Set(bytes)], [1, 2, 3, 4, 5])
    // The first goes at once; of the others, 0 to 2 and 4 are two runs.
    assert.deepEqual(calls, [1, 3, 1])
  })

  it('ends what a short write left', async () => {
    const { bytes, writes } = fileOf(40, { atOnce: 7 })
    await Promise.all([0, 1, 2, 3].map(at => writes.write(piece(at + 1), at * 10)))
    assert.deepEqual(
      [0, 9, 10, 19, 20, 29, 30, 39].map(at => bytes[at]),
      [1, 1, 2, 2, 3, 3, 4, 4],
    )
  })

  it('fails only what did not fit', async () => {
    const { bytes, writes } = fileOf(30)
    const results = await Promise.allSettled([0, 1, 2, 3].map(at => writes.write(piece(at + 1), at * 10)))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
    )
    assert.equal(bytes[29], 3)
  })

  it('goes on after a failure', async () => {
    const { writes } = fileOf(10)
    await assert.rejects(writes.write(piece(1), 10), { code: 'ENOSPC' })
    await writes.write(piece(1), 0)
  })
})
