/** Slices: work gives way when its time is used up, and not before. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { TimeSlice } from './time-slice.ts'

it('gives way after each slice', async () => {
  let now = 0
  let turns = 0
  const count = setImmediate(function again() {
    turns++
    next = setImmediate(again)
  })
  let next = count
  try {
    const slice = new TimeSlice(10, () => now)
    for (let each = 0; each < 100; each++) await slice.step()
    assert.equal(turns, 0)
    for (let each = 1; each <= 3; each++) {
      now += 10
      await slice.step()
      assert.ok(turns >= each)
      const before: number = turns
      await slice.step()
      assert.equal(turns, before)
    }
  } finally {
    clearImmediate(next)
  }
})
