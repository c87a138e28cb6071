/** News between real peers: repeated reports go from neighbour to neighbour, without gossip and without being differences in syncs. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { signReport } from '../../node/device/device-report.ts'
import { Channel } from '../../node/mesh/transport/channel.ts'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { newsCodec } from '../../protocol/messages/news.ts'
import { type OpenedReport, openReport } from '../../protocol/report/extended-report.ts'
import { logHeadExtension } from '../../protocol/report/witnessed-log.ts'
import { LargeFleet } from '../helpers/large-fleet.ts'
import { connect, Mesh, reportOf, type TestPeer } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

const rare = 3_600_000

/** Peers in a row, that know a report of each of two devices; and what each of them has gossiped of reports since. */
async function row(t: TestContext, count: number, newsMs: number, more: { gossipedMembers?: number } = {}) {
  const large = new LargeFleet(2)
  const mesh = await Mesh.of(t)
  const peers: TestPeer[] = []
  const gossiped: string[] = []
  for (let at = 0; at < count; at++) {
    const fill = (state: TestPeer['peerState']) => large.fill(state.database, 1)
    const peer = await mesh.start({ word: `peer-${at}`, fleet: large.fleet, fill, timing: { newsMs, ...more } })
    peer.supervisor.stop()
    const note = () => void gossiped.push(peer.word)
    Object.assign(peer.gossip, { publishReport: note, publishOwnReport: note })
    peers.push(peer)
  }
  for (const [at, peer] of peers.slice(1).entries()) await connect(peer, peers[at] as TestPeer)
  const [device] = large.devices
  assert.ok(device)
  const publish = async (peer: TestPeer, counter: number, more: Parameters<LargeFleet['report']>[2] = {}) => {
    const before = peer.directory.report(device.peer)
    await publishSigned(peer, large.report(device, counter, more), before)
  }
  /** With the head of a log of this size. */
  const publishHead = async (peer: TestPeer, counter: number, size: number) => {
    const before = peer.directory.report(device.peer)
    const plain = openReport(large.report(device, counter - 1)).document
    const extensions = logHeadExtension({ size, root: new Uint8Array(32), signature: new Uint8Array(64) })
    await publishSigned(peer, signReport(plain, device.signer, { extensions, counter }), before)
  }
  const publishSigned = async (peer: TestPeer, envelope: Uint8Array, before: OpenedReport | undefined) => {
    await peer.directory.addReport(envelope)
    peer.news.publishOwn(envelope, before, false)
  }
  const counterAt = (peer: TestPeer) => peer.directory.member(device.peer)?.report?.counter
  return { peers: peers as [TestPeer, TestPeer, ...TestPeer[]], publish, publishHead, counterAt, gossiped, device }
}

describe('news', () => {
  it('go along a row of peers as soon as they have links, and changes go by gossip', async t => {
    const { peers, publish, counterAt, gossiped } = await row(t, 3, 1000)
    await until(
      () => peers.every(({ news, admission }) => news.neighbours.length === admission.members.length),
      'links',
    )
    await publish(peers[0], 2)
    await until(() => peers.every(peer => counterAt(peer) === 2), 'the report at the end of the row')
    await publish(peers[0], 3, { at: '2027-01-01T00:00:00Z' })
    await until(() => peers.every(peer => counterAt(peer) === 3), 'the next report there')
    assert.deepEqual(gossiped, [])
    await publish(peers[0], 4, { state: 'failed' })
    assert.deepEqual(gossiped, ['peer-0'])
  })

  it('are told before a sync, in which they are no difference then', async t => {
    const { peers, publish, counterAt, gossiped } = await row(t, 2, 1000)
    const [one, other] = peers
    await until(() => one.news.neighbours.length + other.news.neighbours.length === 2, 'links')
    let told = 0
    const { spread } = other.news
    other.news.spread = (...said) => {
      told++
      spread.apply(other.news, said)
    }
    await publish(one, 2)
    // A round that has not ended in time is waited for no longer.
    await until(async () => {
      await one.news.flush(other.host.peerId)
      return counterAt(other) === 2
    }, 'the report')
    assert.equal(told, 1)
    assert.deepEqual(gossiped, [])
  })

  it('are gossiped while nobody is told news, and where others wait to hear of the device', async t => {
    const { peers, publish, gossiped, device } = await row(t, 2, rare)
    await publish(peers[0], 2)
    assert.deepEqual(gossiped, ['peer-0'])
    peers[0].news.publishOwn(reportOf(peers[0], 3), peers[0].directory.report(device.peer), true)
    assert.deepEqual(gossiped, ['peer-0', 'peer-0'])
  })

  it('are told at once where the head of a log is new, and not by gossip', async t => {
    const { peers, publishHead, counterAt, gossiped } = await row(t, 2, rare)
    const [one, other] = peers
    // Nobody begins a round by itself within the hour.
    const channel = new Channel(await openStream(one.host, other.host.peerId, one.names.news, undefined))
    await channel.send(newsCodec, {})
    assert.deepEqual(await channel.receive(newsCodec), {})
    for (const peer of peers) await publishHead(peer, 3, 1)
    gossiped.splice(0)
    await publishHead(other, 5, 1)
    assert.equal(counterAt(one), 3)
    await publishHead(other, 7, 2)
    await until(() => counterAt(one) === 7, 'the report with the head')
    assert.deepEqual(gossiped, [])
  })

  it('are changes, too, in a large fleet: outcomes at once, and steps if nothing follows them', async t => {
    const { peers, publish, counterAt, gossiped } = await row(t, 3, rare, { gossipedMembers: 4 })
    const [one, two, three] = peers as [TestPeer, TestPeer, TestPeer]
    for (const from of [one, three]) {
      const channel = new Channel(await openStream(from.host, two.host.peerId, one.names.news, undefined))
      await channel.send(newsCodec, {})
      assert.deepEqual(await channel.receive(newsCodec), {})
    }
    const error = { code: 'health-failed', message: 'web' }
    await publish(two, 2, { state: 'failed', error })
    await until(() => [one, three].every(peer => counterAt(peer) === 2), 'the outcome')
    await publish(two, 3, { state: 'testing' })
    await publish(two, 4)
    await until(() => [one, three].every(peer => counterAt(peer) === 4), 'the next outcome')
    assert.deepEqual(gossiped, [])
  })

  it('that a neighbour was not told before its link ended go by gossip, where nobody else is told', async t => {
    const { peers, publish, gossiped } = await row(t, 2, rare)
    const [one, other] = peers
    const channel = new Channel(await openStream(one.host, other.host.peerId, one.names.news, undefined))
    await channel.send(newsCodec, {})
    await channel.receive(newsCodec)
    await publish(other, 2)
    assert.deepEqual(gossiped, [])
    channel.abort(new Error('the link breaks'))
    await until(() => gossiped.length > 0, 'the report by gossip')
    assert.deepEqual(gossiped, ['peer-1'])
  })

  it('go by gossip then also where rounds before syncs have opened a link of our own', async t => {
    const { peers, publish, gossiped } = await row(t, 2, rare)
    const [one, other] = peers
    const channel = new Channel(await openStream(one.host, other.host.peerId, one.names.news, undefined))
    await channel.send(newsCodec, {})
    await channel.receive(newsCodec)
    await other.news.flush(one.host.peerId)
    await until(() => one.news.neighbours.length === 1, 'the link the other way')
    channel.abort(new Error('the link ends'))
    await until(() => [one, other].every(({ news }) => news.neighbours.length === 0), 'no links')
    await publish(other, 2)
    assert.deepEqual(gossiped, ['peer-1'])
  })

  it('end with the neighbour that leaves, and begin again when it is back', async t => {
    const { peers, publish, counterAt } = await row(t, 2, 1000)
    const [one, other] = peers
    await until(() => peers.every(({ news }) => news.neighbours.length === 1), 'links')
    await one.host.hangUp(other.host.peerId)
    await until(() => peers.every(({ news }) => news.neighbours.length === 0), 'no links')
    await connect(one, other)
    await until(() => peers.every(({ news }) => news.neighbours.length === 1), 'links again')
    await publish(other, 2)
    await until(() => counterAt(one) === 2, 'the report')
  })
})
