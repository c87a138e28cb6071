/** Tests of what a sweep takes, and of when one is due. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { daysAfter, testNow, testStorePath } from '../../test/helpers/fleet.ts'
import { expiredGenerations, isSweepDue } from './retention.ts'

/** Generations 1 to n, each a day older than the next; the last one is current and a day old. */
const generations = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    number: at + 1,
    path: testStorePath(`generation-${at + 1}`),
    made: daysAfter(testNow, at - count),
    current: at + 1 === count,
  }))
const numbers = (list: readonly { number: number }[]) => list.map(({ number }) => number)

describe('a sweep', () => {
  it('takes generations that are neither among the newest nor young', () => {
    assert.deepEqual(
      numbers(expiredGenerations(generations(10), { generations: 3, days: 5 }, new Set(), testNow)),
      [1, 2, 3, 4, 5],
    )
    assert.deepEqual(
      numbers(expiredGenerations(generations(10), { generations: 8, days: 0 }, new Set(), testNow)),
      [1, 2],
    )
    assert.deepEqual(expiredGenerations(generations(3), { generations: 5, days: 0 }, new Set(), testNow), [])
  })

  it('keeps the generations that run, boot or may be rolled back to, and the current one, however old', () => {
    const needed = new Set([testStorePath('generation-1'), testStorePath('generation-4')])
    assert.deepEqual(
      numbers(expiredGenerations(generations(6), { generations: 1, days: 0 }, needed, testNow)),
      [2, 3, 5],
    )
    const old = generations(3).map(each => ({ ...each, current: each.number === 1 }))
    assert.deepEqual(numbers(expiredGenerations(old, { generations: 1, days: 0 }, new Set(), testNow)), [2])
  })

  it('is due once a time of the schedule has passed, also one that was slept through', () => {
    const nightly = { cron: '0 3 * * *', timeZone: 'UTC' }
    const at = (text: string) => new Date(`2026-01-${text}Z`)
    assert.equal(isSweepDue(nightly, at('10T03:30:00'), at('11T02:59:00')), false)
    assert.equal(isSweepDue(nightly, at('10T03:30:00'), at('11T03:00:00')), true)
    assert.equal(isSweepDue(nightly, at('01T03:30:00'), at('20T12:00:00')), true)
    assert.equal(isSweepDue({ ...nightly, timeZone: 'Europe/Berlin' }, at('10T03:30:00'), at('11T02:00:00')), true)
    assert.equal(isSweepDue({ ...nightly, timeZone: 'Mars/Olympus' }, at('10T03:30:00'), at('11T03:00:00')), true)
    assert.equal(isSweepDue(false, at('01T03:30:00'), at('20T12:00:00')), false)
  })
})
