/** Names decide nothing by date: whose report counts for a device of a release. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { timeText } from '../../protocol/encoding/fields.ts'
import { readCertificate } from '../../protocol/members/certificate.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { Report } from '../../protocol/report/report.ts'
import { daysAfter, testClosure, testConfig, testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { newsOf } from './news.ts'

const fleet = testFleet()
const config = testConfig(testClosure('kiosk'))
const release: Release = {
  v: 1,
  fleet: fleet.fleet,
  version: 2,
  created: timeText(testNow),
  message: '',
  configs: { kiosk: config },
  devices: { kiosk: { config: 'kiosk' } },
}
const later = timeText(daysAfter(testNow, 1))
const [a, b] = ['a', 'b'].map(testSigner)
const signed = (word = a, init = {}) =>
  readCertificate(fleet.certify(word ?? testSigner('x'), { name: 'kiosk', ...init }))
const joined = (word = b) =>
  readCertificate(fleet.join(fleet.token(), word ?? testSigner('x'), { name: 'kiosk', issued: later }))

/** The news that count for `kiosk` when these peers report these outcomes. */
function outcome(...members: [ReturnType<typeof signed>, 'confirmed' | 'failed' | 'pending'][]) {
  const reports = new Map(
    members.map(([{ peer }, says]) => [
      peer,
      {
        state: says === 'failed' ? 'rolled-back' : 'running',
        ...(says === 'confirmed' && { running: config.topLevel }),
        ...(says === 'failed' && { wanted: 2, error: { code: 'health-failed', message: '' } }),
      } as unknown as Report,
    ]),
  )
  return newsOf(
    release,
    members.map(([certificate]) => certificate),
    peer => ({ report: reports.get(peer) }),
  ).get('kiosk')?.outcome
}

describe('news of a device', () => {
  it('are of the member whom the members role has signed, whatever a newer namesake by a token says', () => {
    assert.equal(outcome([signed(), 'pending'], [joined(), 'confirmed']), 'pending')
    assert.equal(outcome([signed(), 'confirmed'], [joined(), 'failed']), 'confirmed')
    assert.equal(outcome([joined(), 'failed'], [signed(), 'confirmed']), 'confirmed')
  })

  it('are of the one member whom a token alone has let in, and of none of two', () => {
    assert.equal(outcome([joined(), 'confirmed']), 'confirmed')
    assert.equal(outcome([joined(a), 'confirmed'], [joined(b), 'failed']), undefined)
  })

  it('are the worse ones of two whom the members role has signed', () => {
    for (const dates of [{}, { issued: later }]) {
      assert.equal(outcome([signed(a, dates), 'confirmed'], [signed(b), 'pending']), 'pending')
      assert.equal(outcome([signed(a, dates), 'failed'], [signed(b), 'confirmed']), 'failed')
    }
  })
})
