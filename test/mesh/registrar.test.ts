/** A controller in the mesh: it countersigns, renews and counts by itself, and shows what others have seen. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Registrar } from '../../controller/members/registrar.ts'
import { TokenBook } from '../../controller/members/token-book.ts'
import { memberRows } from '../../controller/queries/members.ts'
import { tokenRows } from '../../controller/queries/tokens.ts'
import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { reportKind } from '../../protocol/report/report.ts'
import { readEnvelope, signEnvelope } from '../../protocol/signing/dsse.ts'
import { daysAfter, type TestFleet, testRecipient, testSigner } from '../helpers/fleet.ts'
import { silentLogger } from '../helpers/log.ts'
import { connect, gossiping, isMember, liveFleet, Mesh, reportOf, type TestPeer } from '../helpers/mesh.ts'
import { testDirectory } from '../helpers/state.ts'
import { until } from '../helpers/until.ts'

/** A controller with the fleet's keys, and a device between it and the rest. */
async function scene(t: TestContext) {
  const made = await Mesh.of(t)
  const fleet = liveFleet()
  const certificate = fleet.certify(testSigner('controller'), { name: 'ada', role: 'controller' })
  const controller = await made.start({ word: 'controller', fleet, certificate })
  const between = await made.start({ word: 'between', fleet })
  await connect(controller, between)
  await gossiping([controller, between])
  const book = new TokenBook(await testDirectory(t))
  const registrar = new Registrar({
    signing: new SerialQueue(),
    peer: controller.door,
    book,
    keys: async () => fleet.keys,
    log: silentLogger,
  })
  registrar.start()
  made.after(() => registrar.stop())
  const join = async (word: string, token: ReturnType<TestFleet['token']>) => {
    const peer = await made.start({
      word,
      fleet,
      certificate: fleet.join(token, testSigner(word), { name: word }),
    })
    await connect(peer, between)
    await gossiping([peer, between])
    return peer
  }
  return { made, fleet, controller, between, book, registrar, join }
}

/** Its report, with what its mesh has to say. */
function reportWith(peer: TestPeer, counter: number): Uint8Array {
  return signEnvelope(
    reportKind,
    { ...readEnvelope(reportKind, reportOf(peer, counter)).document, ...peer.meshStatus.fields },
    peer.signer,
  )
}

describe('a controller', () => {
  it('renews a device that asks through others, and the connection stays', async t => {
    const { made, fleet, between } = await scene(t)
    const dates = { issued: timeText(daysAfter(new Date(), -300)), expires: timeText(daysAfter(new Date(), 65)) }
    const certificate = fleet.certify(testSigner('old'), {
      name: 'old',
      site: 'north',
      age: testRecipient('before'),
      ...dates,
    })
    const device = await made.start({ word: 'old', fleet, certificate })
    await connect(device, between)
    await gossiping([device, between])
    const connection = between.host.getConnections(device.host.peerId)[0]
    assert.deepEqual(device.meshStatus.fields.renew, { age: device.peerState.age.recipient })
    const report = reportWith(device, 1)
    await device.directory.addReport(report)
    device.gossip.publishReport(report)
    await until(() => device.own.certificate.expires !== dates.expires, 'its new certificate')
    const { age, site, name } = device.own.certificate
    assert.deepEqual({ age, site, name }, { age: device.peerState.age.recipient, site: 'north', name: 'old' })
    assert.equal(device.meshStatus.fields.renew, undefined)
    assert.equal(connection?.status, 'open')
    assert.ok(isMember(between, device))
  })

  it('countersigns as many as a token is for, and revokes what is above where it is told to', async t => {
    const { fleet, controller, between, book, registrar, join } = await scene(t)
    const token = fleet.token({ uses: 1 })
    const id = await book.add(token.grant, 'revoke')
    const first = await join('first', token)
    await until(() => first.own.certificate.token === id, 'the first to be countersigned')
    const second = await join('second', token)
    const gone = second.identity.peerId
    await until(() => between.state.accepted?.authority.revoked.has(gone), 'the second to be revoked')
    await until(() => between.host.getConnections(second.host.peerId).length === 0, 'it to be dropped')
    assert.ok(isMember(between, first))
    const rows = memberRows(controller.door, await registrar.decisions(), new Date())
    const row = rows.find(({ peer }) => peer === gone)
    assert.deepEqual([row?.state, row?.name, row?.revoked?.reason], ['revoked', 'second', 'its join token was used up'])
    const [tokenRow] = await tokenRows(controller, book, new Date())
    assert.deepEqual([tokenRow?.countersigned, tokenRow?.uses, tokenRow?.state], [1, 1, 'usable'])
  })

  it('leaves to a person who takes the name of another', async t => {
    const { fleet, registrar, controller, made, between } = await scene(t)
    const impostor = await made.start({
      word: 'impostor',
      fleet,
      certificate: fleet.join(fleet.token(), testSigner('impostor'), { name: 'between' }),
    })
    await connect(impostor, between)
    await gossiping([impostor, between])
    await until(() => controller.directory.certificate(impostor.identity.peerId), 'its certificate')
    const decisions = await registrar.decisions()
    assert.deepEqual(
      decisions.map(({ kind, reason }) => [kind, reason]),
      [['hold', 'name-taken']],
    )
    assert.notEqual(impostor.own.certificate.grant, undefined)
  })

  it('shows a copied device that another member has seen, as what that member says', async t => {
    const { controller, between } = await scene(t)
    await between.evidence.add('clone', between.identity.peerId, [])
    const report = reportWith(between, 1)
    await between.directory.addReport(report)
    between.gossip.publishReport(report)
    await until(() => controller.directory.report(between.identity.peerId)?.document.alarms, 'the alarm')
    const row = memberRows(controller.door, [], new Date()).find(({ name }) => name === 'between')
    assert.equal(row?.cloned, false)
    assert.deepEqual(row?.cloneClaimedBy, [{ device: 'between', peer: between.identity.peerId }])
    await controller.evidence.add('clone', between.identity.peerId, [])
    const seen = memberRows(controller.door, [], new Date()).find(({ name }) => name === 'between')
    assert.deepEqual([seen?.cloned, seen?.cloneClaimedBy], [true, []])
  })
})
