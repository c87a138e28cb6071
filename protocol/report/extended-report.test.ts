/** Reports of version 2: both signatures count, and the report of version 1 in them is whole. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { testSigner } from '../../test/helpers/fleet.ts'
import { reportOf } from '../../test/helpers/report-samples.ts'
import { limits } from '../limits.ts'
import { readEnvelope, signEnvelope } from '../signing/dsse.ts'
import type { Signer } from '../signing/keys.ts'
import { peerIdOf } from '../signing/peer-id.ts'
import { extendedReportKind, openReport, verifyOpened } from './extended-report.ts'
import { reportKind, verifyReport } from './report.ts'

const [device, other] = ['device', 'other'].map(testSigner) as [Signer, Signer]
const fleet = 'f'.repeat(64)
const peer = peerIdOf(device.publicKey)
const report = reportOf(fleet, peer)
const plain = signEnvelope(reportKind, report, device)
const whole = { v: 2 as const, fleet, peer, counter: report.counter + 1, report: plain, extensions: { hub: 'north' } }

describe('a report of version 2', () => {
  it('says what its report of version 1 says, and its extensions', () => {
    const envelope = signEnvelope(extendedReportKind, whole, device)
    const opened = verifyOpened(envelope, fleet)
    assert.deepEqual(opened.document, { ...report, counter: 8, extensions: { hub: 'north' } })
    assert.deepEqual(opened.plain, { counter: 7, envelope: plain })
  })

  it('reads the same from the state as from a peer, in both versions', () => {
    for (const envelope of [plain, signEnvelope(extendedReportKind, whole, device)]) {
      assert.deepEqual(openReport(envelope, 'stored'), openReport(envelope))
    }
  })

  it('of version 1 is itself what older peers get', () => {
    assert.deepEqual(verifyOpened(plain, fleet), {
      document: report,
      envelope: plain,
      plain: { counter: 7, envelope: plain },
    })
  })

  it('needs both signatures', () => {
    for (const [inner, outer] of [
      [other, device],
      [device, other],
    ] as const) {
      const envelope = signEnvelope(
        extendedReportKind,
        { ...whole, report: signEnvelope(reportKind, report, inner) },
        outer,
      )
      assert.throws(() => verifyOpened(envelope, fleet), withCode('not-signed'))
    }
  })

  it('is refused by readers of version 1, as its type says', () => {
    assert.throws(() => verifyReport(signEnvelope(extendedReportKind, whole, device), fleet), withCode('malformed'))
  })

  it("holds no other peer's report, no other fleet's, and no newer one", () => {
    const strange = reportOf(fleet, peerIdOf(other.publicKey))
    for (const changes of [
      { report: signEnvelope(reportKind, strange, other) },
      { report: signEnvelope(reportKind, { ...report, fleet: 'a'.repeat(64) }, device) },
      { counter: report.counter },
    ]) {
      const envelope = signEnvelope(extendedReportKind, { ...whole, ...changes }, device)
      assert.throws(() => openReport(envelope), withCode('malformed'))
    }
  })

  it('loses nothing when an extension is changed: the signature is gone', () => {
    const envelope = signEnvelope(extendedReportKind, whole, device)
    const changed = Buffer.from(envelope)
    changed.write('south', changed.indexOf('north'))
    assert.equal(readEnvelope(extendedReportKind, changed).document.extensions.hub, 'south')
    assert.throws(() => verifyOpened(changed, fleet), withCode('not-signed'))
  })

  it('has bounded extensions', () => {
    const long = 'x'.repeat(limits.reportExtension)
    const sign = (extensions: Record<string, string>) =>
      signEnvelope(extendedReportKind, { ...whole, extensions }, device)
    assert.throws(() => sign({ hub: long }), withCode('malformed'))
  })
})
