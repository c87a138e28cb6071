/** Bad gossip of a member: forged, foreign, old, for others, oversized, too much. */

import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { readCertificate } from '../../../protocol/members/certificate.ts'
import { headCodec } from '../../../protocol/messages/messages.ts'
import { highestCounter, type Report, reportKind } from '../../../protocol/report/report.ts'
import { readEnvelope, signEnvelope } from '../../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { daysAfter, testSigner } from '../../helpers/fleet.ts'
import { connect, gossiping, liveFleet, reportOf, type TestPeer } from '../../helpers/mesh.ts'
import { signedJson, signJson } from '../../helpers/metadata.ts'
import { dump } from '../../helpers/state.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { forge } from '../forge.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { gossipRpc } from '../wire.ts'

interface Scene {
  victim: Victim
  hostile: HostilePeer
  /** The victim's neighbour: what the victim passes on arrives here. */
  behind: TestPeer
  stream: Stream
  /** Gossips; resolves to the victim's verdict. */
  verdictOn(topic: 'heads' | 'reports', bytes: Uint8Array): Promise<string | undefined>
}

/** A hostile member with a gossip stream to a victim, and an honest one behind the victim. */
async function scene(arena: Arena): Promise<Scene> {
  const victim = await arena.victim()
  const behind = await arena.honest({ word: 'behind' })
  await connect(behind, victim)
  await gossiping([behind, victim])
  const hostile = await arena.hostile()
  const stream = await hostile.open(await hostile.join(victim), '/meshsub/1.2.0')
  await arena.kept(victim, behind.identity.peerId, hostile.id)
  const { topicValidators } = victim.host.services.pubsub
  const verdictOn: Scene['verdictOn'] = async (topic, bytes) => {
    const name = victim.names[topic]
    const validate = topicValidators.get(name)
    assert.ok(validate)
    const done = Promise.withResolvers<string | undefined>()
    topicValidators.set(name, async (source, message) => {
      const verdict = await validate(source, message)
      if (Buffer.from(message.data).equals(bytes)) done.resolve(verdict)
      return verdict
    })
    stream.send(gossipRpc(name, bytes))
    return await done.promise
  }
  return { victim, hostile, behind, stream, verdictOn }
}

/** What is on its disk, once it has written what it delays. */
const told = async (peer: TestPeer) => {
  await peer.directory.flush()
  return await dump(peer.peerState.database, ['members', 'reports', 'trust', 'documents', 'releases'])
}

export const gossipAttacks: Attack[] = [
  {
    id: 'gossip-heads',
    power: 'device key',
    tried: 'gossips heads that are forged, of another fleet, of a root that is not there, and rubbish',
    expected: 'none is passed on, fetched or kept; the forged ones count against it',
    async run(arena) {
      const { victim, verdictOn } = await scene(arena)
      const current = arena.fleet.published.trusted.timestamp
      const foreign = liveFleet('elsewhere').release().trusted.timestamp
      assert.ok(current && foreign)
      const forged = signJson({ ...signedJson(current), version: 99 }, testSigner('stranger'))
      await arena.unmoved(victim, async () => {
        assert.equal(await verdictOn('heads', headCodec.encode({ root: 1, timestamp: forged })), 'reject')
        assert.equal(await verdictOn('heads', headCodec.encode({ root: 1, timestamp: foreign.bytes })), 'reject')
        // By keys of a root that it does not have, for all that it knows.
        assert.equal(await verdictOn('heads', headCodec.encode({ root: 7, timestamp: forged })), 'ignore')
        assert.equal(await verdictOn('heads', Buffer.from('rubbish')), 'reject')
      })
    },
  },
  {
    id: 'gossip-old-head',
    power: 'device key',
    tried: 'gossips the true head of an older release',
    expected: 'not passed on, not fetched, nothing changes; its sender may only be late',
    async run(arena) {
      const old = arena.fleet.published.trusted.timestamp?.bytes
      arena.fleet.release()
      const { victim, verdictOn } = await scene(arena)
      assert.ok(old)
      await arena.unmoved(victim, async () => {
        assert.equal(await verdictOn('heads', headCodec.encode({ root: 1, timestamp: old })), 'ignore')
      })
    },
  },
  {
    id: 'gossip-stolen-head',
    power: 'timestamp key',
    tried: 'gossips a newer head with a valid signature that leads to nothing',
    expected: 'not passed on before its documents are here: nothing changes for the victim and its neighbours',
    async run(arena) {
      const { victim, behind, hostile, verdictOn } = await scene(arena)
      const { head } = forge(arena.fleet, { signers: { targets: [testSigner('thief')] } })
      await hostile.serve({ head, roots: [arena.fleet.published.trusted.root.bytes] })
      const before = await arena.trust(behind)
      await arena.unmoved(victim, async () => {
        assert.equal(await verdictOn('heads', headCodec.encode({ root: 1, timestamp: head })), 'ignore')
        assert.deepEqual(await arena.trust(behind), before)
      })
    },
  },
  {
    id: 'report-forged',
    power: 'device key',
    tried: 'gossips a report in the name of another member',
    expected: 'not kept, not passed on, counts against it; the true one is accepted',
    async run(arena) {
      const { victim, behind, verdictOn } = await scene(arena)
      await until(() => victim.directory.certificate(behind.identity.peerId), 'the certificate of the one behind')
      const peer = behind.identity.peerId
      const report: Report = { v: 1, fleet: arena.fleet.fleet, peer, counter: 5, state: 'failed', freshness: 'fresh' }
      const before = await told(victim)
      assert.equal(await verdictOn('reports', signEnvelope(reportKind, report, testSigner('hostile'))), 'reject')
      assert.deepEqual(await told(victim), before)
      assert.equal(victim.directory.report(peer), undefined)
      behind.gossip.publishReport(reportOf(behind, 1))
      await until(() => victim.directory.report(peer)?.document.state === 'waiting', 'the true report')
    },
  },
  {
    id: 'report-replayed',
    power: 'device key',
    tried: 'gossips and syncs an older report of another member, so that it looks as it did then',
    expected: 'the newer one stays, on disk and in memory',
    async run(arena) {
      const { victim, behind, hostile, verdictOn } = await scene(arena)
      const peer = behind.identity.peerId
      await until(() => victim.directory.certificate(peer), 'the certificate of the one behind')
      await victim.directory.addReport(reportOf(behind, 7))
      const before = await told(victim)
      assert.equal(await verdictOn('reports', reportOf(behind, 6)), 'ignore')
      await hostile.sync(await hostile.join(victim), {}, [{ report: reportOf(behind, 5) }])
      assert.deepEqual(await told(victim), before)
      assert.equal(victim.directory.report(peer)?.document.counter, 7)
    },
  },
  {
    id: 'report-used-up',
    power: 'device key',
    tried: "gossips reports of the highest counters in the device's own name, so that it can never report again",
    expected:
      'none above what its certificate allows is kept; with a renewed one it reports again, and no older one comes back',
    async run(arena) {
      const { victim, verdictOn } = await scene(arena)
      const signer = testSigner('device')
      const id = peerIdOf(signer.publicKey)
      const first = arena.fleet.certify(signer, { name: 'device' })
      await victim.directory.addCertificate(id, first)
      const told = (counter: number, release: number) => {
        return reportOf({ fleet: arena.fleet.fleet, signer }, counter, { state: 'running', release })
      }
      await victim.directory.addReport(told(5, 1))
      const highest = highestCounter(readCertificate(first))
      const stolen = told(highest, 99)
      await verdictOn('reports', told(2 ** 48, 99))
      assert.equal(victim.directory.report(id)?.document.counter, 5)
      assert.equal(await verdictOn('reports', stolen), 'accept')
      // The device itself has no number left, and says so; then the members role signs anew.
      const { own } = victim.peerState
      assert.equal(await own.nextReportCounter(highest, highest), undefined)
      const [issued, expires] = [daysAfter(arena.fleet.now, 1), daysAfter(arena.fleet.now, 366)].map(timeText)
      const next = arena.fleet.certify(signer, { name: 'device', ...(issued && expires && { issued, expires }) })
      await victim.directory.addCertificate(id, next)
      const counter = await own.nextReportCounter(highest, highestCounter(readCertificate(next)))
      assert.ok(counter)
      const honest = told(counter, 1)
      assert.equal(await verdictOn('reports', honest), 'accept')
      await victim.directory.addReport(stolen)
      // Writes what is only in memory yet.
      await victim.directory.flush()
      const kept = (await dump(victim.peerState.database, ['reports'])).filter(line => line.includes(id))
      assert.deepEqual(kept, [`reports ${id} ${Buffer.from(honest).toString('base64')}`])
    },
  },
  {
    id: 'report-of-nobody',
    power: 'device key',
    tried: 'gossips reports of peers that nobody has certified, and hands out certificates that it made for them',
    expected: 'neither reports nor certificates are kept or passed on',
    async run(arena) {
      const { victim, hostile, verdictOn } = await scene(arena)
      const nobody = testSigner('nobody')
      const peer = peerIdOf(nobody.publicKey)
      const certificate = liveFleet('elsewhere').certify(nobody, { name: 'nobody' })
      await hostile.serve({ certificates: { [peer]: certificate } })
      const before = await told(victim)
      assert.equal(await verdictOn('reports', reportOf({ fleet: arena.fleet.fleet, signer: nobody }, 1)), 'ignore')
      assert.ok(hostile.asked.some(request => 'certificate' in request))
      assert.deepEqual(await told(victim), before)
      assert.equal(victim.directory.certificate(peer), undefined)
    },
  },
  {
    id: 'report-other-fleet',
    power: 'another fleet',
    tried: 'replays, into this fleet, a report that the same device key signed for another one',
    expected: 'rejected; not kept',
    async run(arena) {
      const { victim, behind, verdictOn } = await scene(arena)
      await until(() => victim.directory.certificate(behind.identity.peerId), 'the certificate of the one behind')
      const foreign = reportOf({ fleet: liveFleet('elsewhere').fleet, signer: behind.signer }, 9)
      assert.equal(readEnvelope(reportKind, foreign).document.peer, behind.identity.peerId)
      assert.equal(await verdictOn('reports', foreign), 'reject')
      assert.equal(victim.directory.report(behind.identity.peerId), undefined)
    },
  },
  {
    id: 'gossip-oversized',
    power: 'device key',
    tried: 'sends one gossip message of 5 MiB',
    expected: 'gossip with it ends and nothing is kept; gossip with the others goes on',
    async run(arena) {
      const { victim, behind, hostile, stream } = await scene(arena)
      const before = await told(victim)
      const rpc = gossipRpc(victim.names.reports, new Uint8Array(5 << 20))
      for (let at = 0; at < rpc.length && stream.writeStatus === 'writable'; at += 1 << 16) {
        stream.send(rpc.subarray(at, at + (1 << 16)))
        await new Promise(resolve => setImmediate(resolve))
      }
      const { pubsub } = victim.host.services
      await until(() => !pubsub.getPeers().some(peer => peer.toString() === hostile.id), 'gossip with it to end')
      const counter = 3
      await until(() => victim.directory.certificate(behind.identity.peerId), 'the certificate of the one behind')
      assert.deepEqual(
        (await told(victim)).filter(line => !line.startsWith('members')),
        before.filter(line => !line.startsWith('members')),
      )
      behind.gossip.publishReport(reportOf(behind, counter))
      await until(
        () => victim.directory.report(behind.identity.peerId)?.document.counter === counter,
        'gossip to go on',
      )
    },
  },
]
