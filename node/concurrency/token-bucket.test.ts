/** Token buckets: a burst, then the pace; and what is taken on credit is waited for. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TokenBucket } from './token-bucket.ts'

describe('TokenBucket', () => {
  it('gives what it has, then no more than refills', () => {
    let now = 0
    const bucket = new TokenBucket({ most: 3, perSecond: 2, now: () => now })
    const taken = () => Array.from({ length: 10 }, () => bucket.take()).filter(Boolean).length
    assert.equal(taken(), 3)
    now += 1000
    assert.equal(taken(), 2)
    now += 60_000
    assert.equal(taken(), 3)
  })

  it('says how long what was taken on credit takes to pay back', () => {
    let now = 0
    const bucket = new TokenBucket({ most: 100, perSecond: 50, now: () => now })
    assert.equal(bucket.waitMs, 0)
    bucket.overdraw(200)
    assert.equal(bucket.waitMs, 2001)
    assert.equal(bucket.take(), false)
    now += bucket.waitMs
    assert.equal(bucket.waitMs, 0)
    now += 60_000
    bucket.overdraw(100)
    assert.equal(bucket.waitMs, 1)
  })
})
