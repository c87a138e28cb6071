/** Tests of which reports only repeat what was said. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openReport } from '../../../protocol/report/extended-report.ts'
import type { Report } from '../../../protocol/report/report.ts'
import { LargeFleet } from '../../../test/helpers/large-fleet.ts'
import { isRepetition } from './repetition.ts'

const large = new LargeFleet(1)
const report = (counter: number, more: Partial<Report> = {}): Report => ({
  ...openReport(large.report(large.devices[0] as never, counter)).document,
  ...more,
})

describe('a repetition', () => {
  it('has another counter, time and measurements, and nothing else', () => {
    const before = report(1, { extensions: { metrics: { cpu: 3 }, 'log-head': { size: 1 }, understands: ['a'] } })
    const extensions = { metrics: { cpu: 4 }, 'log-head': { size: 2 }, understands: ['a'] }
    assert.ok(isRepetition(report(2, { at: '2027-01-01T00:00:00Z', extensions }), before))
    assert.ok(!isRepetition(report(2), undefined))
    assert.ok(!isRepetition(report(1), report(1)))
    assert.ok(!isRepetition(report(2), before), 'an extension is gone')
    assert.ok(!isRepetition(report(2, { state: 'failed', extensions }), before))
    assert.ok(!isRepetition(report(2, { extensions: { ...extensions, alerts: [] } }), before))
  })
})
