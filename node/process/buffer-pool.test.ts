/** Tests of small buffers: what is kept of them keeps little else. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { limitBufferPool } from './buffer-pool.ts'

it('has a small buffer that is kept keep 8 KiB at most', () => {
  limitBufferPool()
  // The first ones may still come from the slab that there was.
  const kept = Array.from({ length: 10_000 }, () => Buffer.from('a path of some bytes')).at(-1)
  assert.ok(kept && kept.buffer.byteLength <= 8 * 1024, `${kept?.buffer.byteLength} bytes`)
})
