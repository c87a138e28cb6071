/** Which part of a day a device was on, by the steps in which it measured itself. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MetricsHistory } from '../../protocol/messages/metrics.ts'
import { onPerDay, queryAvailability } from './availability.ts'

const day = 86_400
const from = 20_000 * day
/** Steps of a quarter of an hour, from a time on. */
const history = (begin: number, values: readonly (number | null)[]): MetricsHistory => ({
  ...{ step: 900, from: begin },
  series: [{ name: 'uptime', average: values, min: values, max: values }],
})
const steps = (count: number, value: number | null) => Array.from({ length: count }, () => value)

describe('the availability of a device', () => {
  it('is the share of the steps of a day in which it measured something', () => {
    const values = [...steps(96, 1), ...steps(48, 1), ...steps(48, null), ...steps(24, 1)]
    assert.deepEqual(
      onPerDay(history(from, values), { from, now: from + 2 * day + 6 * 3600 + 400, days: 3 }),
      [1, 0.5, 1],
    )
  })

  it('is unknown before its first measurement, and counts from there on', () => {
    const values = [...steps(96 + 48, null), ...steps(24, 1), ...steps(24, null)]
    assert.deepEqual(onPerDay(history(from, values), { from, now: from + 2 * day + 400, days: 2 }), [null, 0.5])
    assert.deepEqual(onPerDay(history(from, []), { from, now: from + day, days: 1 }), [null])
  })

  it('counts the newest step only where it has a value, or some minutes after its end', () => {
    const early = { from, now: from + 4 * 900 + 60, days: 1 }
    assert.deepEqual(onPerDay(history(from, [1, 1, 1, null]), early), [1])
    assert.deepEqual(onPerDay(history(from, [1, 1, 1, null]), { ...early, now: early.now + 600 }), [0.75])
    const now = from + 1300
    assert.deepEqual(onPerDay(history(from, [1, null]), { from, now, days: 1 }), [1])
    assert.deepEqual(onPerDay(history(from + 900, [1]), { from, now, days: 1 }), [1])
  })

  it('takes an answer that begins elsewhere at its own times', () => {
    const values = [...steps(4, 1), ...steps(92, null), ...steps(96, 1)]
    assert.deepEqual(
      onPerDay(history(from - 4 * 900, values), { from, now: from + 2 * day + 400, days: 2 }),
      [0.042, 0.958],
    )
  })

  it('of one that was off for all of the first days is nothing of them, not unknown', async () => {
    const now = Math.floor(Date.now() / 1000)
    const askForMetrics = async (_: string, asked: { from: number; to: number }) => {
      const begin = asked.from - (asked.from % 900)
      const values = Array.from({ length: Math.floor((asked.to - begin) / 900) + 1 }, (_, at) => {
        const time = begin + at * 900
        return time < now - 20 * day || time > now - 2 * day ? 1 : null
      })
      return history(begin, values)
    }
    const certificates = () => [{ role: 'device', name: 'a', peer: 'p' }]
    const neighbours = { wayTo: () => ({ kind: 'direct' }), askForMetrics }
    const peer = { state: {}, directory: { certificates, report: () => undefined }, neighbours }
    const { devices } = await queryAvailability({ peer } as never, { days: 14, most: 10 })
    assert.deepEqual(devices[0]?.on.slice(0, 11), Array(11).fill(0))
  })
})
