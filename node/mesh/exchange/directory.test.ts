/** Tests of the directory: accepted members, reports that replace others, and forgotten members. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { readCertificate } from '../../../protocol/members/certificate.ts'
import { grantKind, tokenIdOf } from '../../../protocol/members/join-token.ts'
import type { MembershipAuthority } from '../../../protocol/members/membership.ts'
import { highestCounter, type Report, reportKind } from '../../../protocol/report/report.ts'
import { readEnvelope, signEnvelope } from '../../../protocol/signing/dsse.ts'
import type { Signer } from '../../../protocol/signing/keys.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { daysAfter, testFleet, testNow, testSigner } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { dump, testState } from '../../../test/helpers/state.ts'
import { Directory } from './directory.ts'

const fleet = testFleet()
const device = testSigner('device')
const id = peerIdOf(device.publicKey)
const certificate = fleet.certify(device, { name: 'kiosk-1' })

async function newDirectory(t: TestContext, maxMembers?: number, maxPerToken?: number) {
  const { database, clock } = await testState(t, { now: testNow })
  let authority: MembershipAuthority | undefined = fleet.authority
  const limits = { ...(maxMembers && { maxMembers }), ...(maxPerToken && { maxPerToken }) }
  const components = { fleet: fleet.fleet, clock, log: silentLogger, authority: () => authority, ...limits }
  const judgeBy = (by: MembershipAuthority | undefined) => {
    authority = by
  }
  return { database, components, judgeBy, directory: await Directory.load(components, database) }
}

function report(counter: number, more: Partial<Report> = {}, signer: Signer = device): Uint8Array {
  const document: Report = {
    v: 1,
    fleet: fleet.fleet,
    peer: id,
    counter,
    state: 'waiting',
    freshness: 'fresh',
    ...more,
  }
  return signEnvelope(reportKind, document, signer)
}

describe('certificates', () => {
  it('are taken once, and kept', async t => {
    const { directory, components, database } = await newDirectory(t)
    const told: string[] = []
    directory.on('certificate', ({ name }) => told.push(name))
    assert.equal(await directory.addCertificate(id, certificate), 'new')
    assert.equal(await directory.addCertificate(id, certificate), 'known')
    assert.deepEqual(told, ['kiosk-1'])
    const again = await Directory.load(components, database)
    assert.deepEqual(again.certificates(), directory.certificates())
    assert.equal(again.certificates().length, 1)
  })

  it('are replaced by those issued later only', async t => {
    const { directory } = await newDirectory(t)
    await directory.addCertificate(id, certificate)
    const issued = timeText(daysAfter(testNow, 1))
    assert.equal(await directory.addCertificate(id, fleet.certify(device, { name: 'kiosk-2', issued })), 'new')
    assert.equal(await directory.addCertificate(id, certificate), 'known')
    assert.equal(directory.certificate(id)?.document.name, 'kiosk-2')
  })

  it('of one second are the same on all peers, whichever came first', async t => {
    const [north, south] = ['north', 'south'].map(site => fleet.certify(device, { name: 'kiosk-1', site }))
    assert.ok(north && south)
    const sites = []
    for (const order of [
      [north, south],
      [south, north],
    ]) {
      const { directory } = await newDirectory(t)
      for (const each of order) await directory.addCertificate(id, each)
      sites.push(directory.certificates()[0]?.site)
    }
    assert.equal(new Set(sites).size, 1)
  })

  it('that make nobody a member are refused', async t => {
    const { directory, database } = await newDirectory(t)
    const expired = fleet.certify(device, { name: 'kiosk-1', expires: timeText(testNow) })
    const elsewhere = testFleet({ name: 'elsewhere' }).certify(device, { name: 'kiosk-1' })
    await assert.rejects(directory.addCertificate(id, expired), withCode('expired'))
    await assert.rejects(directory.addCertificate(id, elsewhere), withCode('other-fleet'))
    await assert.rejects(
      directory.addCertificate(peerIdOf(testSigner('x').publicKey), certificate),
      withCode('other-peer'),
    )
    await assert.rejects(directory.addCertificate(id, Buffer.from('rubbish')), withCode('malformed'))
    assert.deepEqual(await dump(database), [])
  })

  it('wait until there are keys to verify them with', async t => {
    const { directory, judgeBy } = await newDirectory(t)
    judgeBy(undefined)
    assert.equal(await directory.addCertificate(id, certificate), 'unknown-member')
  })

  it('that are revoked are forgotten with their reports; expired ones stay', async t => {
    const { directory, database, judgeBy, components } = await newDirectory(t)
    const other = testSigner('other')
    await directory.addCertificate(id, certificate)
    await directory.addReport(report(1))
    await directory.addCertificate(peerIdOf(other.publicKey), fleet.certify(other, { name: 'kiosk-2' }))
    judgeBy({ ...fleet.authority, revoked: new Set([id]) })
    components.clock = (await testState(t, { now: daysAfter(testNow, 1000) })).clock
    await directory.recheckAll()
    assert.deepEqual(
      directory.certificates().map(({ name }) => name),
      ['kiosk-2'],
    )
    assert.deepEqual(directory.reports(), [])
    await directory.flush()
    assert.equal((await dump(database, ['members', 'reports'])).length, 1)
    assert.equal(await directory.addReport(report(2)), 'unknown-member')
  })

  it('are judged again only when the keys have changed', async t => {
    const { directory, judgeBy } = await newDirectory(t)
    const signers = Array.from({ length: 20 }, (_, at) => testSigner(`member-${at}`))
    for (const [at, each] of signers.entries()) {
      await directory.addCertificate(peerIdOf(each.publicKey), fleet.certify(each, { name: `kiosk-${at}` }))
    }
    let looks = 0
    const lookedAt = (authority: MembershipAuthority): MembershipAuthority => ({
      ...authority,
      get keys() {
        looks++
        return authority.keys
      },
    })
    const looksAt = async (authority: MembershipAuthority) => {
      judgeBy(lookedAt(authority))
      looks = 0
      await directory.recheckAll()
      return looks
    }
    assert.ok((await looksAt(fleet.authority)) >= signers.length, 'those of the last run')
    assert.ok((await looksAt(fleet.authority)) < 5)
    const [first] = signers.map(({ publicKey }) => peerIdOf(publicKey))
    assert.ok((await looksAt({ ...fleet.authority, revoked: new Set([first ?? '']) })) < 5)
    assert.equal(directory.certificates().length, signers.length - 1)
    assert.ok((await looksAt({ ...fleet.authority, threshold: 2 })) >= signers.length - 1)
    assert.deepEqual(directory.certificates(), [])
  })

  it('by a revoked token are forgotten without judging the others again', async t => {
    const { directory, judgeBy } = await newDirectory(t)
    const [token, other] = [fleet.token(), fleet.token({ word: 'other' })]
    for (const [word, by] of [
      ['a', token],
      ['b', other],
    ] as const) {
      await directory.addCertificate(
        peerIdOf(testSigner(word).publicKey),
        fleet.join(by, testSigner(word), { name: word }),
      )
    }
    await directory.recheckAll()
    const revokedTokens = new Set([tokenIdOf(readEnvelope(grantKind, token.grant).document)])
    judgeBy({ ...fleet.authority, revokedTokens })
    await directory.recheckAll()
    assert.deepEqual(
      directory.certificates().map(({ name }) => name),
      ['b'],
    )
  })

  it('are judged in slices, between which others are served', async t => {
    const { components, database } = await newDirectory(t)
    const directory = await Directory.load({ ...components, sliceMs: 0 }, database)
    const signers = Array.from({ length: 10 }, (_, at) => testSigner(`member-${at}`))
    for (const each of signers) {
      await directory.addCertificate(peerIdOf(each.publicKey), fleet.certify(each, { name: 'kiosk' }))
    }
    let turns = 0
    let next = setImmediate(function again() {
      turns++
      next = setImmediate(again)
    })
    await directory.recheckAll()
    clearImmediate(next)
    assert.ok(turns >= signers.length, `${turns} turns of the event loop`)
  })

  it('that can not be read any more are left out', async t => {
    const { directory, database, components } = await newDirectory(t)
    await directory.addCertificate(id, certificate)
    await database.table('members').put('rubbish', Uint8Array.of(1))
    await database.table('reports').put('rubbish', Uint8Array.of(1))
    const again = await Directory.load(components, database)
    assert.equal(again.certificates().length, 1)
    assert.deepEqual(again.reports(), [])
  })

  it('by one join token are so many; one that a controller has signed takes the place of one of them', async t => {
    const { directory } = await newDirectory(t, 3, 2)
    const token = fleet.token()
    const join = (word: string) => fleet.join(token, testSigner(word), { name: word })
    const add = (word: string, envelope: Uint8Array) =>
      directory.addCertificate(peerIdOf(testSigner(word).publicKey), envelope)
    assert.equal(await add('a', join('a')), 'new')
    assert.equal(await add('b', join('b')), 'new')
    assert.equal(await add('c', join('c')), 'unknown-member', 'a leaked token does not fill the directory')
    assert.equal(await add('d', fleet.join(fleet.token({ word: 'second' }), testSigner('d'), { name: 'd' })), 'new')
    assert.equal(await add('e', fleet.certify(testSigner('e'), { name: 'e' })), 'new')
    assert.deepEqual(
      directory.certificates().map(({ name }) => name),
      ['a', 'b', 'e'],
    )
    // Countersigned, it counts for its token no longer.
    assert.equal(await add('a', fleet.certify(testSigner('a'), { name: 'a' })), 'new')
    assert.equal(directory.certificate(peerIdOf(testSigner('a').publicKey))?.document.grant, undefined)
    assert.equal(await add('a', join('a')), 'known', 'what a controller signed stands')
  })

  it('of a full fleet make room only where one has expired', async t => {
    const { directory, database, components } = await newDirectory(t, 1)
    await directory.addCertificate(id, certificate)
    const other = testSigner('other')
    const late = fleet.certify(other, { name: 'kiosk-2', expires: timeText(daysAfter(testNow, 3000)) })
    assert.equal(await directory.addCertificate(peerIdOf(other.publicKey), late), 'unknown-member')
    components.clock = (await testState(t, { now: daysAfter(testNow, 1000) })).clock
    assert.equal(await directory.addCertificate(peerIdOf(other.publicKey), late), 'new')
    assert.deepEqual(
      directory.certificates().map(({ name }) => name),
      ['kiosk-2'],
    )
    assert.equal((await dump(database, ['members'])).length, 1)
  })
})

describe('reports', () => {
  it('are taken of members, the latest by counter, and kept', async t => {
    const { directory, components, database } = await newDirectory(t)
    assert.equal(await directory.addReport(report(1)), 'unknown-member')
    await directory.addCertificate(id, certificate)
    assert.equal(await directory.addReport(report(2)), 'new')
    assert.equal(await directory.addReport(report(2, { state: 'running' })), 'known')
    assert.equal(await directory.addReport(report(1)), 'known')
    assert.equal(await directory.addReport(report(9)), 'new')
    assert.equal(directory.report(id)?.document.counter, 9)
    assert.deepEqual(await dump(database, ['reports']), [], 'they are written later, many at once')
    await directory.flush()
    const again = await Directory.load(components, database)
    assert.deepEqual(again.reports(), directory.reports())
  })

  it('that are forged change nothing', async t => {
    const { directory, database } = await newDirectory(t)
    await directory.addCertificate(id, certificate)
    const before = await dump(database)
    await assert.rejects(directory.addReport(report(1, {}, testSigner('forger'))), withCode('not-signed'))
    const elsewhere = report(1, { fleet: testFleet({ name: 'elsewhere' }).fleet })
    await assert.rejects(directory.addReport(elsewhere), withCode('other-fleet'))
    await assert.rejects(directory.addReport(Buffer.from('rubbish')), withCode('malformed'))
    assert.deepEqual(await dump(database), before)
  })
})

describe("a device's counter that a thief of its key has driven up", () => {
  const highest = highestCounter(readCertificate(certificate))

  it('ends where the certificate does', async t => {
    const { directory, database } = await newDirectory(t)
    await directory.addCertificate(id, certificate)
    assert.equal(await directory.addReport(report(2 ** 48)), 'unknown-member')
    assert.equal(await directory.addReport(report(highest + 1)), 'unknown-member')
    assert.equal(directory.report(id), undefined)
    assert.deepEqual(await dump(database, ['reports']), [])
    assert.equal(await directory.addReport(report(highest)), 'new')
  })

  it('has numbers again by a certificate that ends later, and nothing older comes back', async t => {
    const { directory } = await newDirectory(t)
    await directory.addCertificate(id, certificate)
    const stolen = report(highest, { release: 7 })
    await directory.addReport(stolen)
    const [issued, expires] = [daysAfter(testNow, 1), daysAfter(testNow, 366)].map(timeText) as [string, string]
    await directory.addCertificate(id, fleet.certify(device, { name: 'kiosk-1', issued, expires }))
    assert.equal(await directory.addReport(report(highest + 1)), 'new')
    assert.equal(await directory.addReport(stolen), 'known')
    assert.equal(directory.report(id)?.document.counter, highest + 1)
  })

  it('is forgotten by one that ends sooner, or that was bounded when it was kept already', async t => {
    const { directory, database, components } = await newDirectory(t)
    await directory.addCertificate(id, certificate)
    await directory.addReport(report(highest))
    const [issued, expires] = [daysAfter(testNow, 1), daysAfter(testNow, 100)].map(timeText) as [string, string]
    await directory.addCertificate(id, fleet.certify(device, { name: 'kiosk-1', issued, expires }))
    assert.equal(directory.report(id), undefined)
    assert.equal(await directory.addReport(report(highest)), 'unknown-member')
    assert.equal(await directory.addReport(report(8)), 'new')
    await database.table('reports').put(id, report(2 ** 48))
    const again = await Directory.load(components, database)
    assert.equal(again.report(id), undefined)
    assert.equal(await again.addReport(report(9)), 'new')
  })
})
