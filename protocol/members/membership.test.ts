/** Tests of membership by a certificate of the members role. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { signEnvelope } from '../signing/dsse.ts'
import type { Signer } from '../signing/keys.ts'
import { peerIdOf } from '../signing/peer-id.ts'
import { type Certificate, certificateKind, readCertificate } from './certificate.ts'
import { type MembershipAuthority, verifyMember } from './membership.ts'

const fleet = testFleet()
const device = testSigner('device')
const peerId = peerIdOf(device.publicKey)
const envelope = fleet.certify(device, { name: 'kiosk-1', role: 'device', site: 'north' })

function verify(bytes: Uint8Array, by: Partial<MembershipAuthority> = {}, time = testNow): Certificate {
  return verifyMember(bytes, peerId, { ...fleet.authority, ...by }, time)
}

/** The same certificate, with other fields or by other signers. */
function signedCertificate(changes: Partial<Certificate>, ...signers: Signer[]): Uint8Array {
  return signEnvelope(certificateKind, { ...readCertificate(envelope), ...changes }, ...signers)
}

describe('membership by the members role', () => {
  it('is what a certificate says', () => {
    assert.deepEqual(verify(envelope), {
      v: 1,
      fleet: fleet.fleet,
      peer: peerId,
      name: 'kiosk-1',
      role: 'device',
      site: 'north',
      issued: '2026-01-31T12:00:00Z',
      expires: '2027-01-31T12:00:00Z',
    })
  })

  it('is of one fleet', () => {
    const other = testFleet({ name: 'vineyard' })
    assert.throws(() => verify(other.certify(device, { name: 'kiosk-1' })), withCode('other-fleet'))
    assert.throws(() => verify(envelope, { fleet: other.fleet }), withCode('other-fleet'))
  })

  it('is of the peer that shows it', () => {
    const theirs = fleet.certify(testSigner('other'), { name: 'kiosk-2' })
    assert.throws(() => verify(theirs), withCode('other-peer'))
  })

  it('is signed by a members key, and not by the peer, a stranger or another role', () => {
    for (const signer of [device, testSigner('stranger'), fleet.keys.root, fleet.keys.targets, fleet.keys.timestamp]) {
      assert.throws(() => verify(signedCertificate({}, signer)), withCode('not-signed'))
    }
    assert.throws(() => verify(envelope, { keys: [] }), withCode('not-signed'))
  })

  it('is no longer when the members keys have rotated', () => {
    assert.throws(() => verify(envelope, { keys: [testSigner('new members').publicKey] }), withCode('not-signed'))
  })

  it('has as many signatures of different keys as the threshold asks for', () => {
    const second = testSigner('second members')
    const { members } = fleet.keys
    const two = { keys: [members.publicKey, second.publicKey], threshold: 2 }
    assert.throws(() => verify(envelope, two), withCode('not-signed'))
    assert.throws(() => verify(signedCertificate({}, members, members), two), withCode('not-signed'))
    assert.throws(() => verify(signedCertificate({}, members, testSigner('stranger')), two), withCode('not-signed'))
    assert.equal(verify(signedCertificate({}, members, second), two).name, 'kiosk-1')
    // The authority naming a key twice doesn't make two signers of it.
    const twice = { keys: [members.publicKey, Buffer.from(members.publicKey)], threshold: 2 }
    assert.throws(() => verify(signedCertificate({}, members, members), twice), withCode('not-signed'))
  })

  it('ends at the second of its expiry, by the time that is surely past', () => {
    const expiry = daysAfter(testNow, 365)
    assert.equal(verify(envelope, {}, new Date(expiry.getTime() - 1)).name, 'kiosk-1')
    assert.throws(() => verify(envelope, {}, expiry), withCode('expired'))
    assert.equal(verify(envelope, {}, new Date(0)).name, 'kiosk-1')
  })

  it('does not last for ever when the time is no time', () => {
    assert.throws(() => verify(envelope, {}, new Date(Number.NaN)), withCode('expired'))
  })

  it('ends by revocation', () => {
    assert.throws(() => verify(envelope, { revoked: new Set([peerId]) }), withCode('revoked'))
    const others = new Set([peerIdOf(testSigner('other').publicKey)])
    assert.equal(verify(envelope, { revoked: others }).name, 'kiosk-1')
  })

  it('is of a known role, with dates that exist', () => {
    const wrong: object[] = [
      { role: 'root' },
      { expires: '2026-99-99T00:00:00Z' },
      { issued: '' },
      { name: '../x' },
      { v: 2 },
      { admin: true },
      { age: 'AGE-SECRET-KEY-1' },
    ]
    for (const changes of wrong) {
      assert.throws(
        () => signedCertificate(changes, fleet.keys.members),
        withCode('malformed'),
        JSON.stringify(changes),
      )
    }
  })
})
