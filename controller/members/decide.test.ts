/** Tests of what a controller signs by itself, and what it leaves to a person. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { timeText } from '../../protocol/encoding/fields.ts'
import { type Certificate, isViewer, readCertificate } from '../../protocol/members/certificate.ts'
import { grantKind, tokenIdOf } from '../../protocol/members/join-token.ts'
import { verifyMember } from '../../protocol/members/membership.ts'
import { highestCounter, type Report } from '../../protocol/report/report.ts'
import { readEnvelope } from '../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { daysAfter, testFleet, testNow, testRecipient, testSigner } from '../../test/helpers/fleet.ts'
import { decide, type MembersView, signedAnew } from './decide.ts'

const fleet = testFleet()
const members = [fleet.keys.members]

function view(certificates: Uint8Array[], more: Partial<MembersView> = {}): MembersView {
  return {
    certificates: certificates.map(readCertificate),
    report: () => undefined,
    counted: new Map(),
    now: testNow,
    ...more,
  }
}

function asking(age: string): Report {
  const peer = peerIdOf(testSigner('a').publicKey)
  return { v: 1, fleet: fleet.fleet, peer, counter: 1, state: 'running', freshness: 'fresh', renew: { age } }
}

const kinds = (decisions: ReturnType<typeof decide>) =>
  decisions.map(({ kind, certificate: { name }, reason }) => [kind, name, ...(reason ? [reason] : [])].join(' '))

describe('a certificate by a join token', () => {
  it('is countersigned, for the time that the token grants, and says which token it was', () => {
    const token = fleet.token({ certificateDays: 30, memberDays: 100 })
    const device = testSigner('a')
    const [decision] = decide(view([fleet.join(token, device, { name: 'a', age: testRecipient('a') })]))
    assert.equal(decision?.kind, 'countersign')
    const envelope = signedAnew(decision.certificate, { report: undefined, members, now: daysAfter(testNow, 1) })
    const signed = verifyMember(envelope, peerIdOf(device.publicKey), fleet.authority, testNow)
    assert.equal(signed.grant, undefined)
    assert.equal(signed.token, tokenIdOf(readEnvelope(grantKind, token.grant).document))
    assert.equal(signed.age, testRecipient('a'))
    assert.equal(signed.expires, timeText(daysAfter(testNow, 101)))
  })

  it('is countersigned as often as the token may be used; one that was let in before counts once', () => {
    const token = fleet.token({ uses: 2 })
    const id = tokenIdOf(readEnvelope(grantKind, token.grant).document)
    const join = (name: string) => fleet.join(token, testSigner(name), { name })
    const all = [join('a'), join('b'), join('c')]
    assert.deepEqual(kinds(decide(view(all))), ['countersign a', 'countersign b', 'hold c over-limit'])
    const before = new Map([[id, new Set([peerIdOf(testSigner('x').publicKey), peerIdOf(testSigner('c').publicKey)])]])
    assert.deepEqual(kinds(decide(view(all, { counted: before }))), [
      'hold a over-limit',
      'hold b over-limit',
      'countersign c',
    ])
    const member = fleet.certify(testSigner('y'), { name: 'y', token: id })
    assert.deepEqual(kinds(decide(view([member, join('a'), join('b')]))), ['countersign a', 'hold b over-limit'])
  })

  it('under a name that another member has is left to a person', () => {
    const token = fleet.token()
    const member = fleet.certify(testSigner('real'), { name: 'till' })
    const thief = fleet.join(token, testSigner('thief'), { name: 'till' })
    assert.deepEqual(kinds(decide(view([member, thief]))), ['hold till name-taken'])
    const twin = fleet.join(token, testSigner('twin'), { name: 'till' })
    assert.deepEqual(kinds(decide(view([thief, twin]))), ['hold till name-taken', 'hold till name-taken'])
  })
})

describe('a renewal', () => {
  it('is signed once a day for a device that can not ask, since its reports are used up', () => {
    const device = testSigner('a')
    const certificate = fleet.certify(device, { name: 'a', age: testRecipient('a') })
    const { renew: _, ...report } = asking(testRecipient('a'))
    const [highest, later] = [highestCounter(readCertificate(certificate)), daysAfter(testNow, 1)]
    const decided = (counter: number, now: Date) =>
      kinds(decide(view([certificate], { report: () => ({ ...report, counter }), now })))
    assert.deepEqual(decided(highest, later), ['renew a'])
    assert.deepEqual(decided(highest, testNow), [])
    assert.deepEqual(decided(1_000_000, later), [])
    const renewed = readCertificate(
      signedAnew(readCertificate(certificate), { report: undefined, members, now: later }),
    )
    assert.ok(highestCounter(renewed) > highest + 1_000_000)
    assert.equal(renewed.age, testRecipient('a'))
  })

  const device = testSigner('a')
  const member = fleet.certify(device, { name: 'a', age: testRecipient('old'), site: 'north' })

  it('is signed when the device asks, once, with what it asks for', () => {
    const report = () => asking(testRecipient('new'))
    const now = daysAfter(testNow, 300)
    const [decision] = decide(view([member], { report, now }))
    assert.equal(decision?.kind, 'renew')
    const envelope = signedAnew(decision.certificate, { report: report(), members, now })
    const signed: Certificate = readCertificate(envelope)
    assert.deepEqual([signed.age, signed.name, signed.site], [testRecipient('new'), 'a', 'north'])
    assert.equal(signed.expires, timeText(daysAfter(now, 365)))
    assert.deepEqual(decide(view([envelope], { report, now })), [], 'the request is answered')
  })

  it('is not signed unasked, nor again and again for one that always asks', () => {
    assert.deepEqual(decide(view([member], { now: daysAfter(testNow, 300) })), [])
    const report = () => asking(testRecipient('other'))
    assert.deepEqual(decide(view([member], { report, now: daysAfter(testNow, 0.5) })), [])
    assert.equal(decide(view([member], { report, now: daysAfter(testNow, 1) })).length, 1)
  })

  it('ranks above the certificate before, whatever the clock of its signer', () => {
    const ahead = fleet.certify(device, { name: 'a', issued: timeText(daysAfter(testNow, 10)) })
    const envelope = signedAnew(readCertificate(ahead), { report: undefined, members, now: testNow })
    assert.ok(readCertificate(envelope).issued > readCertificate(ahead).issued)
  })

  it("of a viewer is signed as a device's, since the keys are not beside it", () => {
    const token = fleet.token({ role: 'controller' })
    const joined = fleet.join(token, testSigner('v'), { name: 'vera', role: 'controller' })
    assert.deepEqual(kinds(decide(view([joined]))), ['countersign vera'])
    const signed = readCertificate(signedAnew(readCertificate(joined), { report: undefined, members, now: testNow }))
    assert.deepEqual([signed.role, isViewer(signed)], ['controller', true])
  })

  it('of a controller is its own affair', () => {
    const controller = fleet.certify(testSigner('c'), { name: 'ada', role: 'controller' })
    assert.deepEqual(
      decide(view([controller], { report: () => asking(testRecipient('x')), now: daysAfter(testNow, 360) })),
      [],
    )
  })
})
