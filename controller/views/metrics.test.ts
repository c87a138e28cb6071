/** Metrics in a terminal: aligned, within its width, with gaps where nothing was measured. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DeviceMetrics } from '../api/schemas/metrics.ts'
import { sparkline } from '../format/sparkline.ts'
import { metricsText } from './metrics.ts'

const flat = (value: number | null) => Array.from({ length: 1440 }, () => value)
const day: DeviceMetrics = {
  ...{ device: 'kiosk-1', peer: '12D3KooW', source: 'device', from: '2026-01-31T00:00:00Z', step: 60 },
  series: [
    { name: 'cpu', unit: 'percent', average: flat(2), min: flat(2), max: flat(2) },
    {
      ...{ name: 'temperature', unit: 'celsius', min: flat(40), max: flat(60.5) },
      average: flat(40).map((value, at) => (at < 300 || at > 600 ? value : null)),
    },
    { name: 'received', unit: 'bytes-per-second', average: flat(1_250_000), min: flat(0), max: flat(3e6) },
    { name: 'wear', unit: 'percent', average: flat(null), min: flat(null), max: flat(null) },
  ],
}

describe('metrics as text', () => {
  it('fit 40 and 80 columns', () => {
    for (const width of [40, 80, 200]) {
      const lines = metricsText(day, width).split('\n')
      for (const line of lines.slice(2)) assert.ok(line.length <= width, `${line.length} > ${width}: ${line}`)
    }
    assert.match(metricsText(day, 80), /cpu .*▁+ .* 2 % +2 % +2 %/)
    assert.match(metricsText(day, 80), /received .*1\.2 MB\/s +0 B\/s +3\.0 MB\/s|received .*1\.3 MB\/s/)
    assert.doesNotMatch(metricsText(day, 80), /wear/)
  })

  it('show gaps, and say where they come from', () => {
    assert.match(metricsText(day, 80), /temperature +▁+ +▁+/)
    assert.match(metricsText({ ...day, source: 'outbox' }), /as its last outbox has it/)
    assert.match(metricsText({ ...day, series: [] }), /nothing was measured/)
  })
})

describe('a sparkline', () => {
  it('goes from the lowest to the highest bar', () => {
    assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7], { width: 8 }), '▁▂▃▄▅▆▇█')
    assert.equal(sparkline([0, 50, null, 100, 250, -9], { width: 6, range: [0, 100] }), '▁▅ ██▁')
    assert.equal(sparkline([], { width: 8 }), '')
    assert.equal(sparkline([5, 9], { width: 8 }), '▁▁▁▁████')
  })
})
