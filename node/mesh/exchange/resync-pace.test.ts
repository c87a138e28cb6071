/** Tests of the pace of repeated syncs. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { resyncBytesPerSecond, resyncIntervalMs, resyncLastMs } from '../limits.ts'
import { resyncPauseMs } from './resync-pace.ts'

it('repeated syncs are as frequent as their costs allow', () => {
  assert.equal(resyncPauseMs(0), resyncIntervalMs)
  assert.equal(resyncPauseMs(3600 * resyncBytesPerSecond), 3_600_000)
})

it('repeated syncs never end, whatever others have made them cost', () => {
  // Beyond 2^31 ms a timer would also be due at once.
  assert.equal(resyncPauseMs(2 ** 40), resyncLastMs)
})
