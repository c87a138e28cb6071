/** Tests of what a history tells: days until a disk is full, and restarts. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MetricsHistory } from '../../protocol/messages/metrics.ts'
import { daysUntilFull, restartsIn, trendsOf } from './trends.ts'

type Values = readonly (number | null)[]

const history = (name: string, values: Values, step: 900 | 7200 = 7200): MetricsHistory => ({
  ...{ step, from: 0 },
  series: [{ name, average: values, min: values, max: values }],
})
/** Two-hour steps over so many days. */
const rising = (days: number, from: number, perDay: number) =>
  Array.from({ length: days * 12 }, (_, at) => from + (at / 12) * perDay)

describe('the day on which a disk is full', () => {
  it('is where the line through its values meets 100 percent', () => {
    const days = daysUntilFull(history('disk', rising(14, 60, 1)), 'disk')
    assert.ok(days !== null && days >= 25 && days <= 27, String(days))
    const gaps = rising(14, 60, 1).map((value, at) => (at % 3 === 0 ? value : null))
    assert.ok(Math.abs((daysUntilFull(history('disk', gaps), 'disk') ?? 0) - days) <= 1)
  })

  it('is unknown where it does not rise, or too little was measured', () => {
    assert.equal(daysUntilFull(history('disk', rising(14, 60, 0)), 'disk'), null)
    assert.equal(daysUntilFull(history('disk', rising(14, 60, -1)), 'disk'), null)
    assert.equal(daysUntilFull(history('disk', rising(1, 60, 10)), 'disk'), null)
    assert.equal(daysUntilFull(history('disk', [null, null]), 'disk'), null)
    assert.equal(daysUntilFull(history('other', rising(14, 60, 1)), 'disk'), null)
    assert.equal(daysUntilFull(history('disk', rising(14, 60, 0.001)), 'disk'), null)
  })

  it('is today for a disk that is full', () => {
    assert.equal(daysUntilFull(history('disk', rising(14, 90, 1)), 'disk'), 0)
  })
})

describe('restarts', () => {
  it('are where the uptime falls, also across a gap', () => {
    assert.equal(restartsIn(history('uptime', [100, 1000, 1900, 30, 930, null, null, 10], 900)), 2)
    assert.equal(restartsIn(history('uptime', [100, 1000, null, 2800], 900)), 0)
  })

  it('are unknown where it was never measured', () => {
    assert.equal(restartsIn(history('uptime', [null, null], 900)), null)
    assert.equal(restartsIn(history('disk', [1, 2], 900)), null)
  })
})

describe('asking many devices', () => {
  it('leaves out those that fail or never answer', async () => {
    const ask = async (peer: string, { step, series }: { step: 900 | 7200; series: string[] }) => {
      if (peer === 'old') throw new Error('no such protocol')
      if (peer === 'silent') await new Promise(() => {})
      return history(series[0] ?? '', series[0] === 'disk' ? rising(14, 60, 1) : [5, 1], step)
    }
    const trends = await trendsOf(['old', 'silent', 'good'], ask, { withinMs: 500 })
    assert.deepEqual([...trends.keys()], ['good'])
    assert.equal(trends.get('good')?.restarts, 1)
  })
})
