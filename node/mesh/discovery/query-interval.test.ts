/** Queries back off while there is a connection, and begin anew without one. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { QueryInterval } from './query-interval.ts'

it('doubles up to five minutes, and begins anew for a peer that is alone', () => {
  const interval = new QueryInterval()
  const seconds = (isAlone: boolean, times: number) =>
    Array.from({ length: times }, () => interval.next(isAlone) / 1000)
  assert.deepEqual(seconds(false, 6), [20, 40, 80, 160, 300, 300])
  assert.deepEqual(seconds(true, 3), [20, 20, 20])
  assert.deepEqual(seconds(false, 2), [40, 80])
})
