/** Slopes and verdicts of readings whose growth is known. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { quarters, type Reading, slopeOf, trendOf } from './flat.ts'

const MiB = 1 << 20
const allowance = { growth: 2 * MiB }

/** A reading each minute. */
const hour = (value: (minute: number) => number): Reading[] =>
  Array.from({ length: 61 }, (_, minute) => ({ atMs: minute * 60_000, value: value(minute) }))

describe('a figure over time', () => {
  it('is flat when it goes up and down again', () => {
    const { flat } = trendOf(
      hour(minute => 40 * MiB + (minute % 7) * MiB),
      allowance,
    )
    assert.ok(flat)
  })

  it('is not flat when it leaks, however much it varies', () => {
    const { flat, perHour, growth } = trendOf(
      hour(minute => 40 * MiB + minute * 0.1 * MiB + (minute % 7) * MiB),
      allowance,
    )
    assert.equal(flat, false)
    assert.ok(Math.abs(perHour - 6 * MiB) < MiB, `${perHour / MiB} MiB an hour`)
    assert.ok(Math.abs(growth - 4.5 * MiB) < MiB, 'of the time after the warm-up')
  })

  it('may grow at first', () => {
    const { flat, growth } = trendOf(
      hour(minute => Math.min(minute, 14) * MiB),
      allowance,
    )
    assert.deepEqual([flat, growth], [true, 0])
  })

  it('is judged by most of its readings, not by a few far off', () => {
    const { growth } = trendOf(
      hour(minute => (minute > 54 ? 400 : 40) * MiB),
      allowance,
    )
    assert.equal(growth, 0)
  })

  it('may fall', () => {
    assert.ok(
      trendOf(
        hour(minute => -minute * MiB),
        allowance,
      ).flat,
    )
  })

  it('is not flat where nothing was read', () => {
    assert.equal(trendOf([], allowance).flat, false)
    assert.equal(trendOf(hour(() => 1).slice(0, 2), allowance).flat, false)
  })

  it('has no slope at one time', () => {
    assert.equal(
      slopeOf([
        { atMs: 1, value: 1 },
        { atMs: 1, value: 9 },
      ]),
      0,
    )
  })

  it('is told at the quarters of its time', () => {
    assert.deepEqual(quarters(hour(minute => minute)), [15, 30, 45, 60])
    assert.deepEqual(quarters([]), [])
  })
})
