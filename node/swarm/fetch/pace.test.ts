/** A pace is near the truth from its first second on, and silent where there is none. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Pace } from './pace.ts'

/** Bytes that come every `stepMs` from `from` to before `to`, all in milliseconds. */
function come(pace: Pace, perSecond: number, [from, to]: [number, number], stepMs = 50): void {
  for (let now = from; now < to; now += stepMs) pace.add((perSecond * stepMs) / 1000, now)
}

describe('a pace', () => {
  it('is what comes, from the first second on', () => {
    const rates = fc.integer({ min: 1_000, max: 1e9 })
    fc.assert(
      fc.property(rates, fc.integer({ min: 1_100, max: 600_000 }), (rate, ms) => {
        const pace = new Pace()
        come(pace, rate, [0, ms])
        const told = pace.bytesPerSecond(ms) ?? 0
        assert.ok(Math.abs(told - rate) < rate * 0.1, `expected about ${rate}, got ${told}`)
      }),
      { numRuns: 50 },
    )
  })

  it('is unknown before the first second, whatever a fast start filled into buffers', () => {
    const pace = new Pace()
    assert.equal(pace.bytesPerSecond(0), undefined)
    come(pace, 1e9, [0, 900])
    assert.equal(pace.bytesPerSecond(950), undefined)
  })

  it('follows a link that becomes slow', () => {
    const pace = new Pace()
    come(pace, 1e6, [0, 20_000])
    come(pace, 1e5, [20_000, 60_000])
    assert.ok((pace.bytesPerSecond(60_000) ?? 0) < 1.3e5)
  })

  it('is unknown once nothing comes, and measured anew when it goes on', () => {
    const pace = new Pace()
    come(pace, 1e6, [0, 10_000])
    assert.equal(pace.bytesPerSecond(15_500), undefined)
    come(pace, 2e6, [60_000, 60_500])
    assert.equal(pace.bytesPerSecond(60_500), undefined)
    come(pace, 2e6, [60_500, 63_000])
    const told = pace.bytesPerSecond(63_000) ?? 0
    assert.ok(Math.abs(told - 2e6) < 2e5, `expected about 2e6, got ${told}`)
  })
})
