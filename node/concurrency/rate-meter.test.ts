/** Rates: steady ones are met, and old ones fade. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RateMeter } from './rate-meter.ts'

it('comes near a steady rate, and forgets it when nothing comes', () => {
  const meter = new RateMeter(3_000)
  assert.equal(meter.bytesPerSecond(0), 0)
  for (let now = 0; now < 30_000; now += 10) meter.add(10_000, now)
  const rate = meter.bytesPerSecond(30_000)
  assert.ok(Math.abs(rate - 1e6) < 1e4, `expected about 1e6, got ${rate}`)
  const later = meter.bytesPerSecond(33_000)
  assert.ok(Math.abs(later - rate / Math.E) < 1, `expected ${rate / Math.E}, got ${later}`)
})
