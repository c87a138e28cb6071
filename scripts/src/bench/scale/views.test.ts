/** A test that what the benchmark measures of views still runs: it stands for a controller's peer with what views read of it. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { viewTimes } from './views.ts'

it('the views that the benchmark measures can be worked out', () => {
  assert.deepEqual(Object.keys(viewTimes(20)), ['devices', 'rollout', 'waves', 'members'])
})
