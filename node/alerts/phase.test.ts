/** The life of an alert: it lasts before it counts, ends after some calm, and one that flaps ends late. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { calmMs, flapCalmMs, flapsPerHour } from './limits.ts'
import { flaps, nextPhase, type Phase, quietPhase } from './phase.ts'

const minute = 60_000

/** Looks each second; resolves to what it was at the end, and how often it began. */
function run(findings: readonly (readonly [seconds: number, holds: boolean | undefined])[], forMs = 0) {
  let [phase, now, begins]: [Phase, number, number] = [quietPhase, 0, 0]
  for (const [seconds, holds] of findings) {
    for (let each = 0; each < seconds; each++) {
      const next = nextPhase(phase, holds, forMs, now)
      if (next.firing && !phase.firing) begins++
      phase = next
      now += 1000
    }
  }
  return { phase, begins }
}

describe('an alert', () => {
  it('begins when its condition has lasted', () => {
    assert.equal(run([[299, true]], 5 * minute).phase.firing, false)
    assert.equal(run([[301, true]], 5 * minute).phase.firing, true)
    assert.equal(
      run(
        [
          [299, true],
          [1, false],
          [299, true],
        ],
        5 * minute,
      ).begins,
      0,
    )
    assert.equal(run([[1, true]]).phase.firing, true)
  })

  it('ends after a while of calm, not at the first good value', () => {
    assert.equal(
      run([
        [10, true],
        [calmMs / 1000 - 1, false],
      ]).phase.firing,
      true,
    )
    assert.equal(
      run([
        [10, true],
        [calmMs / 1000 + 1, false],
      ]).phase.firing,
      false,
    )
    assert.equal(
      run([
        [10, true],
        [50, false],
        [1, true],
        [50, false],
      ]).begins,
      1,
    )
  })

  it('neither begins nor ends where nobody knows', () => {
    assert.equal(run([[1000, undefined]]).phase.firing, false)
    assert.equal(
      run([
        [1, true],
        [1000, undefined],
      ]).phase.firing,
      true,
    )
  })

  it('that flaps is told few times, and ends when it is calm', () => {
    const once = [
      [5, true],
      [calmMs / 1000 + 1, false],
    ] as const
    const many = Array.from({ length: 30 }, () => once).flat()
    const { phase, begins } = run(many)
    assert.equal(begins, flapsPerHour)
    assert.equal(phase.firing, true)
    assert.ok(flaps(phase))
    assert.equal(run([...many, [flapCalmMs / 1000 + 1, false]]).phase.firing, false)
  })
})
