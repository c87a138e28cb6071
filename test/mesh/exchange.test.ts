/** Two peers and more: admission, gossip and sync bring heads, certificates and reports to everyone. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MeshPeer } from '../../node/peer/mesh-peer.ts'
import { equalBytes, sha256 } from '../../protocol/encoding/hash.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { updateRoot } from '../../protocol/trust/trusted-set.ts'
import { testSigner } from '../helpers/fleet.ts'
import {
  addressesOf,
  connect,
  documentsOf,
  gossiping,
  liveFleet,
  Mesh,
  mesh,
  reportOf,
  type TestPeer,
} from '../helpers/mesh.ts'
import { testRoot } from '../helpers/metadata.ts'
import { publishRelease } from '../helpers/publish-release.ts'
import { until } from '../helpers/until.ts'

const versionOf = (peer: MeshPeer) => peer.state.accepted?.release.version
const counterOf = (at: MeshPeer, of: MeshPeer) => at.directory.report(of.identity.peerId)?.document.counter

describe('two peers', () => {
  it('admit each other and exchange heads, certificates and reports', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const old = fleet.published
    const next = fleet.release({ message: 'news' })
    const a = await made.start({ word: 'a', fleet, trusts: old })
    const b = await made.start({ word: 'b', fleet, trusts: next })
    const c = testSigner('c')
    await b.directory.addCertificate(peerIdOf(c.publicKey), fleet.certify(c, { name: 'c' }))
    await a.directory.addReport(reportOf(a, 3))
    await b.directory.addReport(reportOf(b, 5))
    await b.directory.addReport(reportOf({ fleet: fleet.fleet, signer: c }, 9))
    await connect(a, b)
    await until(() => versionOf(a) === 2, 'the release')
    await until(() => counterOf(b, a) === 3 && counterOf(a, b) === 5, 'reports')
    await until(() => a.directory.report(peerIdOf(c.publicKey)), 'the report of a third one')
    assert.deepEqual(
      a.directory
        .certificates()
        .map(({ name }) => name)
        .sort(),
      ['a', 'b', 'c'],
    )
    assert.deepEqual(
      b.directory
        .certificates()
        .map(({ name }) => name)
        .sort(),
      ['a', 'b', 'c'],
    )
  })

  it('keep what they learned over a restart', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const old = fleet.published
    fleet.release({ message: 'news' })
    const a = await made.start({ word: 'a', fleet, trusts: old })
    const b = await made.start({ word: 'b', fleet })
    await b.directory.addReport(reportOf(b, 5))
    await connect(a, b)
    await until(() => versionOf(a) === 2 && counterOf(a, b) === 5, 'everything')
    await a.stopAll()
    const again = await made.make({ word: 'a', fleet })
    assert.equal(versionOf(again), 2)
    assert.equal(counterOf(again, b), 5)
  })

  it('that dial each other at once end up as members of each other', async t => {
    for (let each = 0; each < 5; each++) {
      const { peers } = await mesh(t, 2)
      const [a, b] = peers as [TestPeer, TestPeer]
      await Promise.all([a.host.dial(b.host.getMultiaddrs()), b.host.dial(a.host.getMultiaddrs())])
      await until(() => a.admission.members.length === 1 && b.admission.members.length === 1, 'both')
      await gossiping([a, b])
    }
  })

  it('find each other again when one of their two connections goes', async t => {
    const { peers } = await mesh(t, 2)
    const [a, b] = peers as [TestPeer, TestPeer]
    await connect(a, b)
    await a.host.dial(b.host.getMultiaddrs(), { force: true })
    await until(() => b.host.getConnections().length === 2, 'a second connection')
    await gossiping([a, b])
    await a.host.getConnections()[0]?.close()
    // The two sides end a second connection by themselves after a while: then this one was the last, and they dial again.
    const isOne = () => a.host.getConnections().length === 1 && a.admission.members.length === 1
    await until(isOne, 'one connection, and its member')
    const gossips = () => {
      a.gossip.repair()
      b.gossip.repair()
      const streams = [a, b].map(({ host }) => host.services.pubsub.streamsOutbound.size)
      return streams.every(count => count === 1)
    }
    await until(gossips, 'gossip streams on the connection that is left')
    await gossiping([a, b])
    await b.directory.addReport(reportOf(b, 1))
    b.gossip.publishReport(reportOf(b, 1))
    await until(() => counterOf(a, b) === 1, 'a report over the new stream')
  })
})

describe('a line of three', () => {
  async function line(t: Parameters<typeof mesh>[0]) {
    const made = await mesh(t, 3)
    const [a, b, c] = made.peers as [TestPeer, TestPeer, TestPeer]
    // Else the ends would hear of each other's addresses, and the line be a triangle.
    for (const { supervisor } of made.peers) supervisor.stop()
    const synced = new Set<string>()
    b.sync.on('synced', peer => synced.add(peer.toString()))
    await connect(a, b)
    await connect(b, c)
    await gossiping([a, b], [b, c])
    // A sync of the beginning would bring what a test expects of gossip, or must not come by it.
    await until(() => synced.size === 2, 'the first syncs to be over')
    return { ...made, a, b, c }
  }

  it('passes a head on', async t => {
    const { fleet, a, c } = await line(t)
    const next = fleet.release({ message: 'news' })
    await a.state.accept(next.trusted, documentsOf(fleet))
    await until(() => versionOf(c) === 2, 'the head at the other end')
    assert.equal(c.host.getConnections(a.host.peerId).length, 0)
  })

  it('passes on a head that only a new root vouches for', async t => {
    const { fleet, a, c } = await line(t)
    const { trusted } = fleet.published
    const signers = { roles: { root: [testSigner('new root')] }, signers: [fleet.keys.root, testSigner('new root')] }
    const second = updateRoot(trusted, testRoot({ version: 2, ...signers, now: fleet.now }))
    const content = { message: 'under a new root', configs: {}, devices: {} }
    const next = publishRelease(second, fleet.fleet, content, fleet.keys, fleet.now)
    await a.state.keepRoot(second)
    await a.state.accept(next.trusted, async ({ hash }) => {
      const own = next.documents.find(bytes => equalBytes(sha256(bytes), hash))
      return own ?? (await documentsOf(fleet)({ hash }))
    })
    await until(() => versionOf(c) === 2, 'the head at the other end')
    assert.deepEqual(c.state.versions, { root: 2, timestamp: 2 })
  })

  it('passes reports on, with the certificate of who nobody knew', async t => {
    const { fleet, a, b, c } = await line(t)
    const stranger = testSigner('stranger')
    const id = peerIdOf(stranger.publicKey)
    await a.directory.addCertificate(id, fleet.certify(stranger, { name: 'stranger' }))
    a.gossip.publishReport(reportOf({ fleet: fleet.fleet, signer: stranger }, 7))
    await until(() => b.directory.report(id) && c.directory.report(id), 'the report')
    assert.equal(c.directory.certificate(id)?.document.name, 'stranger')
  })

  it('passes on what a device of another site does, but not each step of it', async t => {
    const { a, b, c } = await line(t)
    const heard: number[] = []
    c.directory.on('report', ({ counter }) => heard.push(counter))
    const steps = [reportOf(a, 1, { state: 'fetching' }), reportOf(a, 2, { state: 'fetching' }), reportOf(a, 3)]
    for (const [at, step] of steps.entries()) {
      a.gossip.publishReport(step)
      await until(() => counterOf(b, a) === at + 1, 'the report at the neighbour')
    }
    await until(() => counterOf(c, a) === 3, 'the last report at the other end')
    assert.deepEqual(heard, [1, 3])
  })

  it('brings a late joiner everything by sync', async t => {
    const { mesh: made, fleet, a, b, c } = await line(t)
    await a.directory.addReport(reportOf(a, 4))
    a.gossip.publishReport(reportOf(a, 4))
    const next = fleet.release({ message: 'news' })
    await a.state.accept(next.trusted, documentsOf(fleet))
    await until(() => counterOf(c, a) === 4 && versionOf(c) === 2, 'the others')
    const late = await made.start({ word: 'late', fleet, trusts: 'none', settings: { bootstrap: addressesOf(c) } })
    await until(() => versionOf(late) === 2 && counterOf(late, a) === 4, 'the late one')
    await until(
      () => a.directory.certificate(late.identity.peerId) || b.directory.certificates().length === 4,
      'news of it',
    )
  })
})
