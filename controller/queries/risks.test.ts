/** Tests of risks: what is one, how urgent, and in which order devices come. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DeviceStatus } from '../api/schemas/status.ts'
import { risksText } from '../views/risks.ts'
import { byUrgency, risksOf } from './risks.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const inDays = (days: number) => new Date(now + days * 86_400_000).toISOString()

const row = (device: string, more: Partial<DeviceStatus> = {}): DeviceStatus => ({
  ...{ device, peer: `peer-of-${device}`, site: null, tags: [], config: 'sign', follows: null, releaseSite: null },
  ...{ release: 1, running: null, wanted: null, state: 'running', turn: null, lastSeen: inDays(-0.1) },
  ...{ freshness: 'fresh', error: null, daemon: null, update: null, way: null, duplicate: false },
  ...more,
})
type Facts = Parameters<typeof risksOf>[1]
const risks = (device: string, facts: Partial<Facts> = {}, more: Partial<DeviceStatus> = {}) =>
  risksOf(row(device, more), { sample: {}, expires: inDays(80), trend: undefined, ...facts }, now)
const kinds = (of: ReturnType<typeof risks>) => of.risks.map(({ kind, severity }) => `${kind} ${severity}`)

describe('a device', () => {
  it('that is well has no risk', () => {
    const sample = { disk: 40, wear: 10, temperature: 50, 'under-voltage': 0, 'failed-units': 0 }
    assert.deepEqual(kinds(risks('hall', { sample, trend: { diskFullDays: 400, restarts: 1 } })), [])
    assert.deepEqual(
      kinds(risks('unseen', { expires: undefined }, { peer: null, lastSeen: null, state: 'unseen' })),
      [],
    )
  })

  it('has one for each thing that fails, the most urgent first', () => {
    const sample = { disk: 90, wear: 80, temperature: 90, 'under-voltage': 1, 'failed-units': 2 }
    const all = risks(
      'hall',
      { sample, expires: inDays(5), trend: { diskFullDays: 3, restarts: 4 } },
      { state: 'failed' },
    )
    assert.deepEqual(kinds(all), [
      ...['disk critical', 'certificate critical', 'temperature critical'],
      ...['under-voltage warning', 'failed-units warning', 'update warning', 'wear warning', 'restarts warning'],
    ])
    assert.equal(all.risks[0]?.daysLeft, 3)
  })

  it('is silent only where it is not connected', () => {
    assert.deepEqual(kinds(risks('hall', {}, { lastSeen: inDays(-9) })), ['silent critical'])
    assert.deepEqual(kinds(risks('hall', {}, { lastSeen: inDays(-9), way: { kind: 'direct' } as never })), [])
  })

  it('with a certificate that has ended is the most urgent', () => {
    const [ended] = risks('hall', { expires: inDays(-3) }).risks
    assert.deepEqual([ended?.severity, ended?.daysLeft], ['critical', 0])
  })
})

describe('the table', () => {
  const all = [
    risks('calm'),
    risks('worn', { sample: { wear: 80 } }),
    risks('later', { expires: inDays(20) }),
    risks('soon', { sample: { disk: 70 }, trend: { diskFullDays: 2, restarts: 0 } }),
  ]

  it('begins with who fails next, and ends with who is well', () => {
    assert.deepEqual(
      byUrgency(all).map(({ device }) => device),
      ['soon', 'later', 'worn', 'calm'],
    )
  })

  it('says why, and of whom only the report is known', () => {
    const text = risksText({ devices: byUrgency(all) })
    assert.match(text, /^soon +critical +2 +70 % .*its disk is full in 2 days, now 70 %$/m)
    assert.match(text, /Nothing is about to fail on the other 1 devices\./)
    assert.match(text, /3 could not be asked/)
    assert.doesNotMatch(text, /^calm/m)
  })
})
