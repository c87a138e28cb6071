/** Tests of reports. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { testFleet, testSigner, testStorePath } from '../../test/helpers/fleet.ts'
import { limits } from '../limits.ts'
import { certificateKind } from '../members/certificate.ts'
import { signEnvelope } from '../signing/dsse.ts'
import { peerIdOf } from '../signing/peer-id.ts'
import { type Report, reportKind, verifyReport } from './report.ts'

const { fleet, keys } = testFleet()
const device = testSigner('device')
const report: Report = {
  v: 1,
  fleet,
  peer: peerIdOf(device.publicKey),
  counter: 7,
  at: '2026-01-31T12:00:00Z',
  state: 'failed',
  config: 'kiosk',
  release: 2,
  wanted: 3,
  running: testStorePath('kiosk'),
  freshness: 'unknown',
  error: { code: 'health-failed', message: 'kiosk.service failed' },
  update: {
    release: 3,
    milliseconds: 1200,
    paths: 3,
    pathsDone: 1,
    needed: 4096,
    fromStore: 0,
    fromControllers: 0,
    fromNeighbours: 4096,
    fromElsewhere: 0,
    wire: 0,
    bytesPerSecond: 0,
  },
}

describe('reports', () => {
  it('are accepted when their own peer signed them', () => {
    assert.deepEqual(verifyReport(signEnvelope(reportKind, report, device), fleet), report)
  })

  it('may say as little as that the device waits', () => {
    const { v, peer, counter } = report
    const least: Report = { v, fleet, peer, counter, state: 'waiting', freshness: 'unknown' }
    assert.deepEqual(verifyReport(signEnvelope(reportKind, least, device), fleet), least)
  })

  it('are refused about another peer, even from a controller', () => {
    for (const signer of [testSigner('other device'), keys.members, keys.root]) {
      assert.throws(() => verifyReport(signEnvelope(reportKind, report, signer), fleet), withCode('not-signed'))
    }
  })

  it('are of one fleet', () => {
    const other = testFleet({ name: 'vineyard' }).fleet
    assert.throws(() => verifyReport(signEnvelope(reportKind, report, device), other), withCode('other-fleet'))
  })

  it('are not certificates', () => {
    const certificate = testFleet().certify(device, { name: 'kiosk-1' })
    assert.throws(() => verifyReport(certificate, fleet), withCode('malformed'))
    const asCertificate = { ...certificateKind, codec: reportKind.codec }
    assert.throws(() => verifyReport(signEnvelope(asCertificate, report, device), fleet), withCode('malformed'))
  })

  it('refuse what is not a report', () => {
    const wrong: object[] = [
      { counter: 0 },
      { counter: 2 ** 53 },
      { peer: 'kiosk-1' },
      { state: 'broken' },
      { at: 'now' },
      { running: '/nix/store' },
      { freshness: true },
      { error: { code: 'x', message: 'a'.repeat(limits.message + 1) } },
      { update: { ...report.update, needed: -1 } },
      { update: { ...report.update, secondsLeft: -1 } },
      { update: { ...report.update, secondsLeft: 0.5 } },
      { update: { ...report.update, secondsLeft: limits.secondsLeft + 1 } },
      { load: 1 },
    ]
    for (const changes of wrong) {
      assert.throws(() => signEnvelope(reportKind, { ...report, ...changes } as Report, device), withCode('malformed'))
    }
  })
})
