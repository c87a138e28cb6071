/** A link's rate is known once the link was waited for, and follows the link. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LinkRate } from './link-rate.ts'

describe('LinkRate', () => {
  it('is unknown while sending only fills buffers', () => {
    const rate = new LinkRate()
    for (let each = 0; each < 100; each++) rate.add(100_000, 0.5)
    assert.equal(rate.bytesPerSecond, undefined)
    rate.add(400_000, 40)
    assert.equal(rate.bytesPerSecond, undefined)
    rate.add(400_000, 40)
    assert.equal(rate.bytesPerSecond, 1e7)
  })

  it('follows a link that becomes slow', () => {
    const rate = new LinkRate()
    for (let each = 0; each < 100; each++) rate.add(100_000, 1)
    for (let each = 0; each < 200; each++) rate.add(100_000, 100)
    assert.ok((rate.bytesPerSecond ?? 0) < 1.1e6)
  })
})
