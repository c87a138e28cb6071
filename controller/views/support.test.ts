/** Tests of the text for somebody who helps: what is missing is said, and no part of the answer has addresses. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { SupportData } from '../queries/support.ts'
import { supportOf } from './support.ts'

const none = { reason: 'not asked' }
const data: SupportData = {
  ...{ device: 'kiosk', made: '2026-12-01T12:00:00Z', why: none, details: none, releases: none, alerts: none },
  metrics: { reason: 'no answer of 192.0.2.7' },
  logs: [
    { of: 'thymesh.service', lines: { value: ['from 198.51.100.3', 'to 192.0.2.7\u0000'] } },
    { of: 'web.service', lines: { reason: 'token=hunter2 was refused' } },
  ],
}

it('support: addresses and secrets are left out of the text and of the reasons, by the same numbers', () => {
  const { text, missing, leftOut } = supportOf(data, '0.1.0')
  assert.doesNotMatch(JSON.stringify([text, missing]), /192\.0|198\.51|hunter2/)
  assert.match(text, /no answer of <address 1>/)
  assert.match(text, /from <address 2>\n.*to <address 1>\\x00/)
  assert.deepEqual(missing.slice(-2), [
    { part: 'Metrics of the last day', reason: 'no answer of <address 1>' },
    { part: 'Log of web.service', reason: 'token=<secret> was refused' },
  ])
  assert.deepEqual(leftOut, { addresses: 2, secrets: 1, persons: 0 })
})
