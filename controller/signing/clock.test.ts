/** Tests of whether a clock may date signatures. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testFleet, testNow } from '../../test/helpers/fleet.ts'
import { requirePlausibleClock } from './clock.ts'

const { trusted, release } = testFleet().published

describe("an operator's clock", () => {
  it('is accepted from the date of the last signature to half a year after', () => {
    for (const days of [0, 1, 179]) {
      assert.doesNotThrow(() => requirePlausibleClock(trusted, release, daysAfter(testNow, days)))
    }
    assert.doesNotThrow(() => requirePlausibleClock(trusted, release, new Date(testNow.getTime() - 60_000)))
  })

  it('is not accepted before, nor far in the future, where it would stay on every device', () => {
    assert.throws(() => requirePlausibleClock(trusted, release, daysAfter(testNow, -1)), withCode('clock-behind'))
    assert.throws(() => requirePlausibleClock(trusted, release, daysAfter(testNow, 181)), withCode('clock-ahead'))
    assert.throws(() => requirePlausibleClock(trusted, release, new Date('2076-01-01')), withCode('clock-ahead'))
  })
})
