/** Members come, are renewed, revoked and copied, while the mesh runs. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { timeText } from '../../protocol/encoding/fields.ts'
import { certificateKind, readCertificate } from '../../protocol/members/certificate.ts'
import { grantKind, tokenIdOf } from '../../protocol/members/join-token.ts'
import { reportKind } from '../../protocol/report/report.ts'
import { readEnvelope, signEnvelope } from '../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { daysAfter, testSigner } from '../helpers/fleet.ts'
import {
  addressesOf,
  connect,
  documentsOf,
  gossiping,
  isMember,
  liveFleet,
  Mesh,
  mesh,
  reportOf,
  type TestPeer,
} from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

/** A renewed certificate, as a controller signs it. */
function renewed(fleet: ReturnType<typeof liveFleet>, of: Uint8Array): Uint8Array {
  const { v, peer, grant, ...before } = readCertificate(of)
  const now = new Date(new Date().setMilliseconds(0))
  const dates = { issued: timeText(now), expires: timeText(daysAfter(now, 365)) }
  return signEnvelope(certificateKind, { v, peer, ...before, ...dates, token: '0'.repeat(32) }, fleet.keys.members)
}

describe('a member', () => {
  it('is renewed while it is connected, and the connection stays', async t => {
    const { fleet, peers } = await mesh(t, 3)
    const [controller, between, device] = peers as [TestPeer, TestPeer, TestPeer]
    for (const { supervisor } of peers) supervisor.stop()
    await connect(controller, between)
    await connect(between, device)
    await gossiping([controller, between], [between, device])
    await until(() => controller.directory.certificate(device.identity.peerId), 'its certificate')
    const before = between.host.getConnections(device.host.peerId)[0]
    const next = renewed(fleet, device.own.envelope)
    await controller.directory.addCertificate(device.identity.peerId, next)
    controller.gossip.publishCertificate(next)
    await until(() => Buffer.from(device.own.envelope).equals(next), 'the device to take its new certificate')
    assert.deepEqual(Buffer.from((await device.peerState.own.certificate()) ?? []), Buffer.from(next))
    await until(() => between.admission.member(device.host.peerId)?.certificate.token, 'its neighbour to know it')
    assert.equal(before?.status, 'open')
    assert.equal(between.host.getConnections(device.host.peerId)[0]?.id, before?.id)
  })

  it('whose certificate has ended while it was away is admitted by the new one that others have', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const old = fleet.certify(testSigner('away'), { name: 'away', expires: timeText(daysAfter(new Date(), -0.5)) })
    const peer = await made.start({ word: 'peer', fleet })
    const next = renewed(fleet, old)
    await peer.directory.addCertificate(peerIdOf(testSigner('away').publicKey), next)
    const away = await made.start({ word: 'away', fleet, certificate: old, settings: { bootstrap: addressesOf(peer) } })
    await until(() => isMember(peer, away) && isMember(away, peer), 'both to admit each other')
    await until(() => Buffer.from(away.own.envelope).equals(next), 'it to take its new certificate')
  })

  it('whose hello is cut off half way greets again, instead of waiting beside a connection that says nothing', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const peer = await made.start({ word: 'peer', fleet })
    // The first hello stops before our verdict on the other, which has given its own then.
    let half: Stream | undefined
    peer.host.use(peer.names.hello, (stream, connection, next) => {
      const send = stream.send.bind(stream)
      let sent = 0
      stream.send = bytes => {
        if (half === undefined && ++sent === 2) half = stream
        return half === stream || send(bytes)
      }
      next(stream, connection)
    })
    const other = await made.start({ word: 'other', fleet, settings: { bootstrap: addressesOf(peer) } })
    const id = peer.host.peerId
    await until(() => half !== undefined && other.admission.subjectOf(id).group !== 'strangers', 'half an admission')
    half?.abort(new Error('cut off'))
    await until(() => isMember(peer, other) && isMember(other, peer), 'both to admit each other', 120_000)
  })

  it('that joined with a token is one no longer when the token is revoked, but for the countersigned', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const token = fleet.token()
    const peer = await made.start({ word: 'peer', fleet })
    const [kept, thief] = await Promise.all(
      ['kept', 'thief'].map(word =>
        made.start({ word, fleet, certificate: fleet.join(token, testSigner(word), { name: word }) }),
      ),
    )
    assert.ok(kept && thief)
    await connect(kept, peer)
    await connect(thief, peer)
    await peer.directory.addCertificate(kept.identity.peerId, renewed(fleet, kept.certificate))
    const next = fleet.revoke({ tokens: [tokenIdOf(readEnvelope(grantKind, token.grant).document)] })
    await peer.state.accept(next.trusted, documentsOf(fleet))
    await until(() => peer.host.getConnections(thief.host.peerId).length === 0, 'the thief to be dropped')
    await until(() => peer.directory.certificate(thief.identity.peerId) === undefined, 'it to be forgotten')
    assert.ok(isMember(peer, kept))
  })
})

describe('a revoked member', () => {
  it('is dropped by every peer that hears of it, and served nothing', async t => {
    const { fleet, peers } = await mesh(t, 4)
    const [a, b, c, revoked] = peers as [TestPeer, TestPeer, TestPeer, TestPeer]
    await connect(a, b)
    await connect(b, c)
    await connect(b, revoked)
    await connect(c, revoked)
    await gossiping([a, b], [b, c], [c, revoked])
    const id = revoked.identity.peerId
    await revoked.directory.addReport(reportOf(revoked, 1))
    revoked.gossip.publishReport(reportOf(revoked, 1))
    await until(() => a.directory.report(id), 'its report')
    const next = fleet.revoke({ peers: [id] })
    await a.state.accept(next.trusted, documentsOf(fleet))
    for (const peer of [b, c]) {
      await until(() => peer.state.accepted?.authority.revoked.has(id), `${peer.word} to hear of it`)
      await until(() => peer.host.getConnections(revoked.host.peerId).length === 0, `${peer.word} to drop it`)
    }
    for (const peer of [a, b, c]) {
      await until(() => peer.directory.certificate(id) === undefined, `${peer.word} to forget it`)
      assert.equal(peer.directory.report(id), undefined)
      assert.equal(await peer.directory.addReport(reportOf(revoked, 2)), 'unknown-member')
    }
    await assert.rejects(revoked.documents.ask(b.host.peerId, { head: true }, 4096))
  })

  it('stops asking when it learns of it, also after a restart', async t => {
    const { fleet, peers, mesh: made } = await mesh(t, 2)
    const [peer, revoked] = peers as [TestPeer, TestPeer]
    await connect(revoked, peer)
    const next = fleet.revoke({ peers: [revoked.identity.peerId] })
    await revoked.state.accept(next.trusted, documentsOf(fleet))
    assert.ok(revoked.revoked)
    await until(() => revoked.host.getConnections().length === 0, 'it to leave')
    await revoked.stopAll()
    const again = await made.start({ word: 'peer-1', fleet, settings: { bootstrap: addressesOf(peer) } })
    assert.ok(again.revoked)
    await again.host.dial(peer.host.getMultiaddrs()).catch(() => {})
    await until(() => again.host.getConnections().length === 0, 'it to take no connection')
    assert.deepEqual(again.admission.members, [])
  })
})

describe('two devices with one key', () => {
  it('are found by the peer that both are connected to', async t => {
    const made = await Mesh.of(t)
    const elsewhere = await Mesh.of(t)
    const fleet = liveFleet()
    const peer = await made.start({ word: 'peer', fleet })
    const device = await made.start({ word: 'device', fleet })
    const clone = await elsewhere.start({ word: 'device', fleet })
    for (const each of [device, clone]) {
      each.supervisor.stop()
      await each.host.dial(peer.host.getMultiaddrs())
      await until(() => isMember(each, peer), 'it to be admitted')
    }
    await until(() => peer.meshStatus.fields.alarms, 'an alarm')
    assert.deepEqual(peer.meshStatus.fields.alarms, [{ kind: 'clone', subject: device.identity.peerId }])
  })

  it('are not taken for a device that starts again', async t => {
    const { fleet, peers, mesh: made } = await mesh(t, 2)
    const [peer, device] = peers as [TestPeer, TestPeer]
    await connect(device, peer)
    await device.stopAll()
    const again = await made.start({ word: 'peer-1', fleet })
    await connect(again, peer)
    assert.equal(peer.meshStatus.fields.alarms, undefined)
  })

  it('are found by their reports, wherever they are, and both reports are kept', async t => {
    const { peers } = await mesh(t, 3)
    const [a, b, device] = peers as [TestPeer, TestPeer, TestPeer]
    await connect(a, b)
    await connect(b, device)
    await gossiping([a, b], [b, device])
    const id = device.identity.peerId
    await until(() => a.directory.certificate(id) && b.directory.certificate(id), 'its certificate')
    const first = reportOf(device, 1)
    const fork = signEnvelope(
      reportKind,
      { ...readEnvelope(reportKind, first).document, state: 'running' },
      device.signer,
    )
    device.gossip.publishReport(first)
    await until(() => b.directory.report(id), 'the first report')
    device.gossip.publishReport(fork)
    await until(() => b.meshStatus.fields.alarms, 'an alarm')
    assert.deepEqual(b.meshStatus.fields.alarms, [{ kind: 'clone', subject: id }])
    const documents = b.evidence.all()[0]?.documents.map(each => Buffer.from(each))
    assert.deepEqual(documents, [Buffer.from(first), Buffer.from(fork)])
  })
})
