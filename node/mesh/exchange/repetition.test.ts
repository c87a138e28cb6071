/** Tests of which reports only repeat what was said. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openReport } from '../../../protocol/report/extended-report.ts'
import type { Report } from '../../../protocol/report/report.ts'
import { LargeFleet } from '../../../test/helpers/large-fleet.ts'
import { noveltyOf } from './repetition.ts'

const large = new LargeFleet(1)
const report = (counter: number, more: Partial<Report> = {}): Report => ({
  ...openReport(large.report(large.devices[0] as never, counter)).document,
  ...more,
})

const before = report(1, { extensions: { metrics: { cpu: 3 }, 'log-head': { size: 1 }, understands: ['a'] } })
const extensions = { metrics: { cpu: 4 }, 'log-head': { size: 1 }, understands: ['a'] }

describe('a repetition', () => {
  it('has another counter, time and measurements, and nothing else', () => {
    assert.equal(noveltyOf(report(2, { at: '2027-01-01T00:00:00Z', extensions }), before), 'repetition')
    assert.equal(noveltyOf(report(2), undefined), 'change')
    assert.equal(noveltyOf(report(1), report(1)), 'change')
    assert.equal(noveltyOf(report(2), before), 'change', 'an extension is gone')
    assert.equal(noveltyOf(report(2, { state: 'failed', extensions }), before), 'change')
    assert.equal(noveltyOf(report(2, { extensions: { ...extensions, alerts: [] } }), before), 'change')
  })

  it('of which the head of the log is new is for witnesses, unless more has changed', () => {
    const grown = { ...extensions, 'log-head': { size: 2 } }
    assert.equal(noveltyOf(report(2, { extensions: grown }), before), 'head')
    assert.equal(noveltyOf(report(2, { extensions: { metrics: {}, understands: ['a'] } }), before), 'head')
    assert.equal(noveltyOf(report(2, { state: 'failed', extensions: grown }), before), 'change')
  })
})
