/** Tests of membership by a join token. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { timeText } from '../encoding/fields.ts'
import { signEnvelope } from '../signing/dsse.ts'
import { signerOf } from '../signing/keys.ts'
import { peerIdOf } from '../signing/peer-id.ts'
import { type Certificate, certificateKind, readCertificate } from './certificate.ts'
import type { JoinToken } from './join-token.ts'
import { type MembershipAuthority, verifyMember } from './membership.ts'

const fleet = testFleet()
const device = testSigner('device')
const peerId = peerIdOf(device.publicKey)
const token = fleet.token({ names: 'kiosk-*', site: 'north', certificateDays: 100 })
const valid = { name: 'kiosk-1', site: 'north', expires: timeText(daysAfter(testNow, 100)) }

function verify(bytes: Uint8Array, by: Partial<MembershipAuthority> = {}, time = testNow): Certificate {
  return verifyMember(bytes, peerId, { ...fleet.authority, ...by }, time)
}

describe('membership by a join token', () => {
  it('is what the device wrote, within the limits', () => {
    const certificate = verify(fleet.join(token, device, valid))
    assert.equal(certificate.name, 'kiosk-1')
    assert.equal(certificate.role, 'device')
    assert.deepEqual(certificate.grant, token.grant)
  })

  it('has no other name, role or site, and no later expiry', () => {
    const beyond: (Partial<Certificate> & { name: string })[] = [
      { ...valid, name: 'gate-1' },
      { ...valid, name: 'my-kiosk-1' },
      { ...valid, role: 'controller' },
      { ...valid, role: 'relay' },
      { ...valid, site: 'south' },
      { ...valid, site: undefined },
      { ...valid, expires: timeText(daysAfter(testNow, 131)) },
    ]
    for (const request of beyond) {
      assert.throws(() => verify(fleet.join(token, device, request)), withCode('beyond-grant'), JSON.stringify(request))
    }
  })

  it('may last as long after the last day of the token as the grant says', () => {
    const last = daysAfter(testNow, 130)
    const envelope = fleet.join(token, device, { ...valid, expires: timeText(last) })
    assert.equal(verify(envelope, {}, new Date(last.getTime() - 1)).name, 'kiosk-1')
    assert.throws(() => verify(envelope, {}, last), withCode('expired'))
  })

  it('is at any site when the grant names none', () => {
    const anywhere = fleet.token()
    assert.equal(verify(fleet.join(anywhere, device, { name: 'a', site: 'south' })).site, 'south')
    assert.equal(verify(fleet.join(anywhere, device, { name: 'a' })).site, undefined)
  })

  it('needs the signature of the token and that of the peer', () => {
    const certificate = readCertificate(fleet.join(token, device, valid))
    const tokenKey = signerOf(token.seed)
    assert.throws(() => verify(signEnvelope(certificateKind, certificate, device)), withCode('not-signed'))
    // The holder of a token can't issue a certificate in another peer's name.
    assert.throws(() => verify(signEnvelope(certificateKind, certificate, tokenKey)), withCode('not-signed'))
    assert.throws(
      () => verify(signEnvelope(certificateKind, certificate, tokenKey, testSigner('x'))),
      withCode('not-signed'),
    )
    assert.equal(verify(signEnvelope(certificateKind, certificate, device, tokenKey)).name, 'kiosk-1')
  })

  it('needs a grant by as many members keys as the threshold asks for', () => {
    const [second, stranger] = [testSigner('second members'), testSigner('stranger')]
    const joined = (granted: JoinToken) => fleet.join(granted, device, { name: 'kiosk-1' })
    const two = { keys: [fleet.keys.members.publicKey, second.publicKey], threshold: 2 }
    assert.throws(() => verify(joined(fleet.token({ signers: [stranger] }))), withCode('not-signed'))
    assert.throws(() => verify(joined(fleet.token({ signers: [signerOf(token.seed)] }))), withCode('not-signed'))
    assert.throws(() => verify(joined(fleet.token()), two), withCode('not-signed'))
    assert.equal(verify(joined(fleet.token({ signers: [fleet.keys.members, second] })), two).name, 'kiosk-1')
  })

  it('cannot be had with the grant of another token, or with one of another fleet', () => {
    const wider = fleet.token({ word: 'other token', role: 'controller' })
    const stolen = fleet.join({ ...token, grant: wider.grant }, device, { name: 'kiosk-1', role: 'controller' })
    assert.throws(() => verify(stolen), withCode('not-signed'))
    // Two fleets with the same members key.
    const foreign = fleet.token({ fleet: testFleet({ name: 'vineyard' }).fleet })
    assert.throws(() => verify(fleet.join({ ...foreign, fleet: fleet.fleet }, device, valid)), withCode('beyond-grant'))
  })

  it('cannot be had with a certificate for a grant', () => {
    const grant = fleet.certify(device, { name: 'kiosk-1' })
    assert.throws(() => verify(fleet.join({ ...token, grant }, device, valid)), withCode('malformed'))
  })

  it('ends by revocation, and with the members keys that made the grant', () => {
    const envelope = fleet.join(token, device, valid)
    assert.throws(() => verify(envelope, { revoked: new Set([peerId]) }), withCode('revoked'))
    assert.throws(() => verify(envelope, { keys: [testSigner('new members').publicKey] }), withCode('not-signed'))
  })
})
