/** Tests of shifts by content: code that has moved is found, although addresses in it have changed; noise is not. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shiftCellBytes } from '../../../protocol/closure/shifts.ts'
import { movedCode } from '../../../test/helpers/moved-code.ts'
import { noise } from '../../../test/helpers/planted-nar.ts'
import { findShifts } from './find-shifts.ts'
import { landmarksOf } from './landmarks.ts'

async function shiftsOf(before: Uint8Array, after: Uint8Array): Promise<(number | undefined)[]> {
  return findShifts(await landmarksOf(pieces(before)), await landmarksOf(pieces(after)), after.length)
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
}

describe('shifts', () => {
  it('tell where moved code was, to the kilobyte', async () => {
    const { before, after, movedBytes } = movedCode('find', { bytes: 4 * 1024 ** 2 })
    const shifts = await shiftsOf(before, after)
    assert.equal(shifts.length, Math.ceil(after.length / shiftCellBytes))
    const middle = shifts.slice(2, -2)
    for (const [cell, shift] of middle.entries()) {
      const want = movedBytes((cell + 2.5) * shiftCellBytes) / 1024
      assert.ok(
        shift !== undefined && Math.abs(shift - want) <= 64,
        `expected about ${want} in cell ${cell + 2}, got ${shift}`,
      )
    }
  })

  it('are none where nothing is the same', async () => {
    const shifts = await shiftsOf(noise('one', 1_000_000), noise('other', 1_000_000))
    assert.deepEqual(new Set(shifts), new Set([undefined]))
  })

  it('are none in what repeats itself', async () => {
    const repeated = Buffer.concat(new Array(100).fill(noise('again', 10_000)))
    assert.deepEqual(new Set(await shiftsOf(repeated, repeated)), new Set([undefined]))
    assert.deepEqual(await shiftsOf(new Uint8Array(), new Uint8Array()), [])
  })
})
