/** Tests of which reports only repeat what was said. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openReport } from '../../../protocol/report/extended-report.ts'
import type { Report } from '../../../protocol/report/report.ts'
import { LargeFleet } from '../../../test/helpers/large-fleet.ts'
import { isStep, noveltyOf } from './repetition.ts'

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

describe('a step', () => {
  const turn = { release: 3, wave: 2, is: 'waiting', reason: 'wave 1 has 0 of 1 confirmed' } as const
  const error = { code: 'no-peer', message: 'nobody' }

  const { running, health, ...unknown } = report(1)
  const updating = { ...unknown, state: 'fetching' } as Report

  it('says how far an update is, or that it waits, and nothing that waves go by', () => {
    for (const state of ['waiting', 'fetching', 'testing', 'rolling-back'] as const) {
      assert.equal(isStep(report(2, { state }), report(1)), true, state)
    }
    for (const state of ['running', 'failed', 'rolled-back', 'held'] as const) {
      assert.equal(isStep(report(2, { state }), report(1)), false, state)
    }
    assert.equal(isStep(report(2, { turn }), report(1)), true)
    assert.equal(isStep(report(2, { turn: { ...turn, is: 'held' } }), report(1)), false)
    assert.equal(isStep(report(2, { state: 'fetching', error }), report(1)), false)
    assert.equal(isStep(report(2, { state: 'fetching' }), undefined), false)
  })

  it('changes the system only in a switch, and brings nothing else that is new', () => {
    assert.equal(isStep(report(2, { state: 'testing' }), updating), true)
    assert.equal(isStep(report(2, { state: 'waiting' }), updating), false)
    for (const state of ['fetching', 'testing'] as const) {
      const uplink = { day: '2027-01-01', bytes: 1, holds: 2 }
      assert.equal(isStep(report(2, { state, extensions: { uplink, metrics: {} } }), report(1)), true)
      assert.equal(isStep(report(2, { state, extensions: { alerts: ['a'] } }), report(1)), false)
      assert.equal(isStep(report(2, { state, alarms: [{ kind: 'clone', subject: 'kiosk' }] }), report(1)), false)
      assert.equal(isStep(report(2, { state, freshness: 'expired' }), report(1)), false)
    }
  })
})
