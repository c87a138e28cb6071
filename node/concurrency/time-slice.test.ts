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

it('has room for one step, however short it is', async () => {
  // The clock runs on, so each slice of no time is used up at once.
  let now = 0
  let turns = 0
  const slice = new TimeSlice(0, () => {
    if (now++ > 1000) throw new Error('it never goes on')
    return now
  })
  const work = async () => {
    for (let each = 0; each < 5; each++) {
      await slice.step()
      turns++
    }
  }
  await Promise.all([work(), work()])
  assert.equal(turns, 10)
})

it('is one slice for all who share it', async () => {
  let now = 0
  const slice = new TimeSlice(10, () => now)
  // Milliseconds that all of them together took since the event loop had its last turn.
  let taken = 0
  let most = 0
  const turn = () => {
    taken = 0
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  const work = async () => {
    for (let each = 0; each < 20; each++) {
      now += 2
      taken += 2
      most = Math.max(most, taken)
      await slice.step()
    }
  }
  try {
    await Promise.all(Array.from({ length: 16 }, work))
  } finally {
    clearImmediate(next)
  }
  // The first steps of each are taken at once, before anybody could give way.
  assert.ok(most <= 16 * 2 + 10, `${most}`)
})
