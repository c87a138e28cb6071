/** Which reports go on: all but the progress of other sites' devices, and of that one a minute. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Report } from '../../../protocol/report/report.ts'
import { ProgressFilter } from './progress-filter.ts'

const at = (counter: number, more: Partial<Report> = {}): Report => {
  const update = { release: 2, milliseconds: counter * 1000 } as Report['update']
  const base = { v: 1, fleet: 'f', peer: 'far', counter, freshness: 'fresh' } as const
  return { ...base, state: 'fetching', wanted: 2, update, ...more }
}

/** Which of the reports go on, one every five seconds. */
function passed(reports: readonly Report[], site: 'ours' | 'theirs'): number[] {
  let now = 0
  let before: Report | undefined
  const filter = new ProgressFilter({ isOfOurSite: () => site === 'ours', now: () => now })
  return reports.flatMap(report => {
    const passes = filter.passes(report, before)
    before = report
    now += 5_000
    return passes ? [report.counter] : []
  })
}

describe('progress', () => {
  const progress = Array.from({ length: 25 }, (_, each) => at(each))

  it('of a site goes on within it', () => {
    assert.deepEqual(
      passed(progress, 'ours'),
      progress.map(({ counter }) => counter),
    )
  })

  it('goes beyond it once a minute', () => {
    assert.deepEqual(passed(progress, 'theirs'), [0, 12, 24])
  })

  it('is nothing else: states, failures and other releases go on at once', () => {
    const error = { code: 'no-peers', message: 'nobody has it' }
    const reports = [
      at(1),
      at(2),
      at(3, { error }),
      at(4, { error }),
      at(5, { wanted: 3 }),
      at(6, { state: 'preflight' }),
    ]
    assert.deepEqual(passed(reports, 'theirs'), [1, 3, 5, 6])
  })
})
