/** Peers of this version and of the one before in one mesh: each understands the other, and neither blames it. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { skewNotes } from '../../controller/release/skew.ts'
import { signReport } from '../../node/device/device-report.ts'
import { releaseCodec } from '../../protocol/release/release.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { openReport } from '../../protocol/report/extended-report.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { VictimProcess } from '../attack/victim-process.ts'
import { testSigner } from '../helpers/fleet.ts'
import { addressesOf, connect, liveFleet, Mesh, reportOf, type TestPeer } from '../helpers/mesh.ts'
import { sampleName, shardedSample } from '../helpers/sharded.ts'
import { until } from '../helpers/until.ts'
import { treeOfBefore } from './version-before.ts'

const extensions = { note: 'for newer peers' }

/** A report of version 2 by a peer, and the same as of version 1 in it. */
function extendedReport(peer: TestPeer, counter: number): Uint8Array {
  const plain = openReport(reportOf(peer, counter)).document
  return signReport(plain, peer.signer, { extensions, counter: counter + 1 })
}

async function scene(t: TestContext) {
  const fleet = liveFleet()
  const program = join(await treeOfBefore(t), 'test/attack/victim-program.ts')
  const before = await VictimProcess.of({ fleet, ending: t }, { program })
  const mesh = await Mesh.of(t)
  const join_ = async (peer: TestPeer) => {
    await before.dial(peer.host)
    const isMember = () => peer.admission.member(peer.host.getConnections()[0]?.remotePeer ?? peer.host.peerId)
    await until(isMember, 'both versions to admit each other')
    await until(() => subscribers(peer, peer.names.reports).length > 0, 'the version before to subscribe to reports')
  }
  const start = async (word: string) => {
    const peer = await mesh.start({ word, fleet, timing: { newsMs: 1000 } })
    await join_(peer)
    return peer
  }
  return { fleet, before, start }
}

/** A report that is published before a neighbour has subscribed reaches it by the next sync only, a minute later. */
const subscribers = (peer: TestPeer, topic: string) =>
  peer.host.services.pubsub.getSubscribers(topic).map(each => each.toString())

const reportAt = (at: TestPeer, of: TestPeer) => at.directory.report(of.identity.peerId)?.document

describe('the version before', () => {
  it('goes on with the state that this one leaves, as after a rollback of the daemon', async t => {
    const fleet = liveFleet()
    const mesh = await Mesh.of(t)
    const peer = await mesh.start({ word: 'one', fleet })
    await peer.directory.addReport(extendedReport(peer, 1))
    await peer.stopAll()
    const tree = await treeOfBefore(t)
    const script = `
      import { openState } from ${JSON.stringify(join(tree, 'node/state/peer-state.ts'))}
      import { FleetState } from ${JSON.stringify(join(tree, 'node/state/fleet-state.ts'))}
      const state = await openState({ state: process.argv[1], clock: 'system' })
      const { belief } = await FleetState.load(process.argv[2], state.database, state.clock)
      const reports = []
      for await (const key of state.database.table('reports').keys()) reports.push(key)
      console.log(JSON.stringify({ peer: state.identity.peerId, release: belief?.release.version ?? 0, reports }))
      await state.database.close()`
    const args = ['--input-type=module', '-e', script, join(mesh.directory, 'one'), fleet.fleet]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { peerId } = peer.identity
    const release = peer.state.accepted?.release.version ?? 0
    assert.deepEqual(JSON.parse(stdout), { peer: peerId, release, reports: [peerId] })
  })

  it('carries the reports of this one as it knows them, and peers of this one give each other the rest', async t => {
    const { before, start } = await scene(t)
    const [one, two] = [await start('one'), await start('two')]
    await one.directory.addReport(extendedReport(one, 1))
    one.gossip.publishReport(extendedReport(one, 1))
    await until(() => reportAt(two, one)?.counter === 1, 'the report of version 1 by way of the version before')
    assert.equal(reportAt(two, one)?.extensions, undefined)
    assert.equal((await before.measure()).tables.reports?.entries, 1)
    await connect(two, one)
    await until(() => reportAt(two, one)?.counter === 2, 'the report of version 2')
    assert.deepEqual(reportAt(two, one)?.extensions, extensions)
    const { extendedReports } = two.names
    await until(() => subscribers(two, extendedReports).includes(one.identity.peerId), 'one to subscribe')
    // What gossips only among peers of this version reaches the one before by the neighbour that it has.
    await two.directory.addReport(extendedReport(two, 5))
    two.gossip.publishReport(extendedReport(two, 5))
    await until(async () => (await before.measure()).tables.reports?.entries === 2, 'both reports there')
    assert.equal((await before.measure()).members, 2)
  })

  it('gets by sync what peers of this one tell each other as news', async t => {
    const { before, start } = await scene(t)
    const [one, two] = [await start('one'), await start('two')]
    await connect(two, one)
    await one.directory.addReport(reportOf(one, 1))
    // The version before has no part in it.
    const isLinked = (peer: TestPeer, other: TestPeer) => `${peer.news.neighbours}` === other.identity.peerId
    await until(() => isLinked(one, two) && isLinked(two, one), 'a link of news')
    const first = one.directory.report(one.identity.peerId)
    await one.directory.addReport(reportOf(one, 2))
    one.news.publishOwn(reportOf(one, 2), first, false)
    const older = one.admission.members.find(({ peer }) => !peer.equals(two.host.peerId))
    assert.ok(older)
    await one.sync.syncWith(older.peer)
    await until(async () => (await before.measure()).tables.reports?.entries === 1, 'the report at the version before')
    await until(() => reportAt(two, one)?.counter === 2, 'the report as news')
  })

  it('gives its own reports to this one', async t => {
    const { fleet, start } = await scene(t)
    const one = await start('one')
    const signer = testSigner('old device')
    const id = peerIdOf(signer.publicKey)
    await one.directory.addCertificate(id, fleet.certify(signer, { name: 'old' }))
    const two = await start('two')
    const report = reportOf({ fleet: fleet.fleet, signer }, 3)
    await one.directory.addReport(report)
    one.gossip.publishReport(report)
    await until(() => two.directory.report(id)?.document.counter === 3, 'a report of version 1')
  })

  it('takes releases with extensions for what their documents say', async t => {
    const { fleet, before, start } = await scene(t)
    const one = await start('one')
    const next = fleet.release({ message: 'newer', extensions: { values: extensions, critical: ['note'] } })
    await one.state.publish(next)
    assert.deepEqual(one.state.accepted?.release.extensions?.values, extensions)
    await until(async () => (await before.measure()).release === 2, 'the release at the version before')
    // And hands them on as they are.
    const two = await start('two')
    await until(() => two.state.accepted?.release.version === 2, 'the release by way of the version before')
    assert.deepEqual(two.state.accepted?.release.extensions, { values: extensions, critical: ['note'] })
  })

  it('keeps what it runs under a sharded release, which names nobody for it, and hands it on', async t => {
    const { fleet, before, start } = await scene(t)
    const one = await start('one')
    const whole = { ...shardedSample(40), fleet: fleet.fleet }
    const { plain, documents } = splitRelease(whole, 500)
    for (const bytes of documents) await one.state.keepDocument(bytes)
    const { v: _v, fleet: _f, version: _n, created: _c, ...content } = plain
    await one.state.publish(fleet.release(content))
    await until(async () => (await before.measure()).release === 2, 'the release at the version before')
    // What its daemon asks of a release: without a config it leaves alone what runs.
    const tree = await treeOfBefore(t)
    const script = `
      import { releaseCodec, wantedConfig } from ${JSON.stringify(join(tree, 'protocol/release.ts'))}
      const release = releaseCodec.decode(Buffer.from(process.argv[1], 'hex'))
      console.log(JSON.stringify([release.version, wantedConfig(release, process.argv[2]) ?? null]))`
    const { sharded: _s, extensions: _e, ...document } = plain
    const bytes = Buffer.from(releaseCodec.encode(document)).toString('hex')
    const args = ['--input-type=module', '-e', script, bytes, sampleName(3)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    assert.deepEqual(JSON.parse(stdout), [2, null])
    // Its operators are told.
    const reports = { [one.identity.peerId]: {} }
    const directory = {
      certificates: () => [{ peer: one.identity.peerId, name: sampleName(3), role: 'device' }],
      report: (peer: string) => reports[peer] && { document: reports[peer] },
    }
    const [note] = skewNotes({ directory } as never, whole, plain)
    assert.match(
      note ?? '',
      /^Note: kiosk-00003 run a version that reads no release of this size: they keep what they run/,
    )
    const two = await start('two')
    await until(() => two.state.accepted?.release.version === 2, 'the release by way of the version before')
    assert.equal(two.state.accepted?.release.sharded?.devicesOf, undefined, 'the version before has no shards')
    await connect(two, one)
    await until(() => two.state.accepted?.release.sharded?.devicesOf, 'the manifest from a peer of this version')
  })

  it('is a member as before at a hub of this one, and comes by no hub', async t => {
    const { fleet, before } = await scene(t)
    const mesh = await Mesh.of(t)
    const certificate = fleet.certify(testSigner('hub'), { name: 'hub', role: 'relay' })
    const hub = await mesh.start({ word: 'hub', fleet, certificate })
    await before.dial(hub.host)
    await until(() => hub.admission.members.length === 1, 'the hub to admit the version before')
    const older = hub.admission.members[0]?.certificate.peer ?? ''
    const one = await mesh.start({ word: 'one', fleet, settings: { listen: [], bootstrap: addressesOf(hub) } })
    await until(() => one.relays.keeper.connected.length === 1, 'one to be at the hub')
    assert.equal(await one.relays.dial(older, AbortSignal.timeout(120_000)), undefined)
    assert.equal(hub.relays.relay.open, 0)
    assert.equal((await before.measure()).members, 1)
    await until(() => one.directory.certificate(older), 'its certificate by way of the hub')
  })
})
