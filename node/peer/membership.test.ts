/** Tests of becoming a member: by the certificate that is there, or by a join token. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { timeText } from '../../protocol/encoding/fields.ts'
import { formatJoinToken, type JoinToken } from '../../protocol/members/join-token.ts'
import { verifyMember } from '../../protocol/members/membership.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { daysAfter, testFleet, testNow } from '../../test/helpers/fleet.ts'
import { testState } from '../../test/helpers/state.ts'
import { parseSettings, type SettingsInput } from '../settings/settings.ts'
import { AgeIdentities } from '../state/age-identities.ts'
import { loadIdentity } from '../state/identity.ts'
import { clockBehindMs } from '../state/limits.ts'
import type { PeerState } from '../state/peer-state.ts'
import { membershipOf, nameProblem } from './membership.ts'

const fleet = testFleet()

async function newDevice(t: TestContext, now = daysAfter(testNow, 1)): Promise<PeerState> {
  const state = await testState(t, { now })
  const age = await AgeIdentities.load(join(state.directory, 'age.keys'), now)
  return { ...state, identity: await loadIdentity(join(state.directory, 'identity.key')), age }
}

function withToken(token: JoinToken, more: { name?: string; site?: string } = {}) {
  const input: SettingsInput = { join: { token: formatJoinToken(token), name: 'kiosk-1', ...more } }
  return parseSettings(input, 'test')
}

describe('membershipOf', () => {
  it('issues a certificate by a token that makes the device a member, once', async t => {
    const state = await newDevice(t)
    const token = fleet.token({ names: 'kiosk-*', bootstrap: ['/ip4/192.0.2.1/tcp/4460'], certificateDays: 10 })
    const settings = withToken(token, { site: 'north' })
    const { certificate, envelope, bootstrap } = await membershipOf(state, settings)
    assert.deepEqual(verifyMember(envelope, state.identity.peerId, fleet.authority, testNow), certificate)
    assert.equal(certificate.name, 'kiosk-1')
    assert.equal(certificate.site, 'north')
    assert.equal(certificate.age, state.age.recipient)
    assert.equal(certificate.expires, '2026-02-11T12:00:00Z')
    assert.deepEqual(bootstrap, ['/ip4/192.0.2.1/tcp/4460'])
    const again = await membershipOf(state, settings)
    assert.deepEqual(Buffer.from(again.envelope), Buffer.from(envelope))
    assert.deepEqual(again.bootstrap, bootstrap)
  })

  it('needs no token any more once it is a member', async t => {
    const state = await newDevice(t)
    const { envelope } = await membershipOf(state, withToken(fleet.token()))
    const again = await membershipOf(state, parseSettings({}, 'test'))
    assert.deepEqual(Buffer.from(again.envelope), Buffer.from(envelope))
    assert.deepEqual(again.bootstrap, [])
  })

  it('takes a corrected name, until a controller has signed for the first one', async t => {
    const state = await newDevice(t)
    const token = fleet.token({ names: 'kiosk-*' })
    await membershipOf(state, withToken(token, { name: 'kiosk-wrong' }))
    assert.equal((await membershipOf(state, withToken(token))).certificate.name, 'kiosk-1')
    assert.equal((await membershipOf(state, withToken(token, { name: 'server' }))).certificate.name, 'kiosk-1')
    const signed = fleet.certify(state.identity.signer, { name: 'kiosk-1', role: 'device' })
    await state.own.setCertificate(signed)
    const settings = withToken(token, { name: 'kiosk-2' })
    const { certificate } = await membershipOf(state, settings)
    assert.equal(certificate.name, 'kiosk-1')
    assert.match(nameProblem(settings.join, certificate) ?? '', /member as kiosk-1.*thymesh revoke kiosk-1/)
    assert.equal(nameProblem(withToken(token).join, certificate), undefined)
  })

  it('keeps the name that it has when the token has expired', async t => {
    const state = await newDevice(t)
    await membershipOf(state, withToken(fleet.token(), { name: 'kiosk-wrong' }))
    await state.clock.raiseFloor(daysAfter(testNow, 31))
    assert.equal((await membershipOf(state, withToken(fleet.token()))).certificate.name, 'kiosk-wrong')
  })

  it("takes the token's site", async t => {
    const { certificate } = await membershipOf(await newDevice(t), withToken(fleet.token({ site: 'north' })))
    assert.equal(certificate.site, 'north')
  })

  it('says what is missing without a token', async t => {
    await assert.rejects(membershipOf(await newDevice(t), parseSettings({}, 'test')), withCode('no-token'))
  })

  it('asks for nothing that the token does not allow', async t => {
    const state = await newDevice(t)
    const token = fleet.token({ names: 'kiosk-*', site: 'north' })
    await assert.rejects(membershipOf(state, withToken(token, { name: 'server-1' })), withCode('beyond-grant'))
    await assert.rejects(membershipOf(state, withToken(token, { site: 'south' })), withCode('beyond-grant'))
    assert.equal(await state.own.certificate(), undefined)
  })

  it('says when the token has expired', async t => {
    const state = await newDevice(t, daysAfter(testNow, 31))
    await assert.rejects(membershipOf(state, withToken(fleet.token())), withCode('expired'))
  })

  it('knows from the token what time it is at least', async t => {
    const state = await newDevice(t, new Date(0))
    const { certificate } = await membershipOf(state, withToken(fleet.token()))
    assert.equal(certificate.issued, '2026-01-31T12:00:00Z')
    assert.deepEqual(state.clock.reference, testNow)
  })

  it('does not take a date far ahead from a token, where a clock runs', async t => {
    const state = await newDevice(t)
    const issued = timeText(daysAfter(testNow, 10_000))
    const token = fleet.token({ issued, expires: timeText(daysAfter(testNow, 10_030)) })
    const { certificate } = await membershipOf(state, withToken(token))
    assert.deepEqual(await state.own.timeFloor(), new Date(daysAfter(testNow, 1).getTime() + clockBehindMs))
    // The certificate that it writes itself is dated within the grant all the same.
    assert.equal(certificate.issued, issued)
  })

  it('takes another token where the first has put its time wrong, as long as it has taken no release', async t => {
    const state = await newDevice(t, new Date(0))
    const wrong = fleet.token({
      issued: timeText(daysAfter(testNow, 10_000)),
      expires: timeText(daysAfter(testNow, 10_030)),
    })
    await membershipOf(state, withToken(wrong))
    assert.deepEqual(state.clock.reference, daysAfter(testNow, 10_000))
    const { certificate } = await membershipOf(state, withToken(fleet.token({ word: 'another' })))
    assert.equal(certificate.issued, timeText(testNow))
    assert.deepEqual(await state.own.timeFloor(), testNow)
    // One that is later brings nothing back, and changes nothing.
    const later = fleet.token({
      word: 'later',
      issued: timeText(daysAfter(testNow, 20)),
      expires: timeText(daysAfter(testNow, 40)),
    })
    assert.equal((await membershipOf(state, withToken(later))).certificate.issued, timeText(testNow))
  })

  it('keeps its time floor under another token once it has taken a release, or is of another fleet', async t => {
    const state = await newDevice(t, new Date(0))
    const { envelope } = await membershipOf(state, withToken(fleet.token({ issued: timeText(daysAfter(testNow, 1)) })))
    const elsewhere = testFleet({ name: 'elsewhere' }).token()
    assert.deepEqual(Buffer.from((await membershipOf(state, withToken(elsewhere))).envelope), Buffer.from(envelope))
    await state.database.table('trust').put('timestamp', Uint8Array.of(1))
    const again = await membershipOf(state, withToken(fleet.token({ word: 'another' })))
    assert.deepEqual(Buffer.from(again.envelope), Buffer.from(envelope))
    assert.deepEqual(await state.own.timeFloor(), daysAfter(testNow, 1))
  })

  it('refuses a token that is cut off', async t => {
    const text = formatJoinToken(fleet.token()).slice(0, -20)
    const settings = parseSettings({ join: { token: text, name: 'kiosk-1' } }, 'test')
    await assert.rejects(membershipOf(await newDevice(t), settings), withCode('malformed'))
  })
})
