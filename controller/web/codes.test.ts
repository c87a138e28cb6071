/** Unit tests of one-time codes: each is good once, for a minute. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OneTimeCodes } from './codes.ts'

describe('one-time codes', () => {
  it('are long, differ, and are good once', () => {
    const codes = new OneTimeCodes()
    const [one, other] = [codes.make(), codes.make()]
    assert.equal(Buffer.from(one, 'base64url').length, 16)
    assert.notEqual(one, other)
    assert.deepEqual([codes.redeem(one), codes.redeem(one), codes.redeem(other)], [true, false, true])
  })

  it('end after a minute', () => {
    let now = 0
    const codes = new OneTimeCodes(() => now)
    const [one, other] = [codes.make(), codes.make()]
    now = 59_999
    assert.ok(codes.redeem(one))
    now = 60_000
    assert.equal(codes.redeem(other), false)
  })

  it('push out the oldest where too many wait', () => {
    const codes = new OneTimeCodes()
    const made = Array.from({ length: 17 }, () => codes.make())
    assert.deepEqual([codes.redeem(made[0] ?? ''), codes.redeem(made[1] ?? '')], [false, true])
  })
})
