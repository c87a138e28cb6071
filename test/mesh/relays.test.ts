/** Tests of relays with real peers: members that can't dial each other meet through a hub, and find another when it ends. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectionTo } from '../../node/mesh/transport/open-stream.ts'
import { wayOf } from '../../node/mesh/transport/way.ts'
import { limits } from '../../protocol/limits.ts'
import { testSigner } from '../helpers/fleet.ts'
import { addressesOf, isMember, liveFleet, Mesh, type PeerInit, type TestPeer } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

type Fleet = PeerInit['fleet']

function startHub(made: Mesh, fleet: Fleet, word: string, bootstrap: readonly TestPeer[] = []): Promise<TestPeer> {
  const certificate = fleet.certify(testSigner(word), { name: word, role: 'relay' })
  return made.start({ word, fleet, certificate, settings: { bootstrap: bootstrap.flatMap(addressesOf) } })
}

/** A peer that nobody can dial. */
function startHidden(made: Mesh, fleet: Fleet, word: string, hubs: readonly TestPeer[]): Promise<TestPeer> {
  return made.start({ word, fleet, settings: { listen: [], bootstrap: hubs.flatMap(addressesOf) } })
}

/** One whose connections stay as they are. */
async function startFixed(...init: Parameters<typeof startHidden>): Promise<TestPeer> {
  const peer = await startHidden(...init)
  await peer.relays.puncher.stop()
  return peer
}

/** Waits until a peer is connected to hubs, and knows that they are. */
async function atHubs(peer: TestPeer, ...hubs: TestPeer[]): Promise<void> {
  const ids = hubs.map(({ identity }) => identity.peerId)
  await until(() => ids.every(id => peer.relays.keeper.connected.includes(id)), `${peer.word} to be at its hubs`)
}

describe('a hub', () => {
  it('connects two members that nobody can dial', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const hub = await startHub(made, fleet, 'hub')
    const a = await startFixed(made, fleet, 'a', [hub])
    const b = await startFixed(made, fleet, 'b', [hub])
    await atHubs(a, hub)
    await atHubs(b, hub)
    const dial = () => a.relays.dial(b.identity.peerId, AbortSignal.timeout(120_000))
    // Whoever asks meanwhile gets the same one.
    const [connection, joined] = await Promise.all([dial(), dial()])
    assert.ok(connection)
    assert.equal(joined, connection)
    assert.deepEqual(wayOf(connection), { kind: 'relayed', hub: hub.identity.peerId })
    await until(() => isMember(a, b) && isMember(b, a), 'the two to admit each other')
    assert.equal(connectionTo(b.host, a.host.peerId)?.remoteAddr.toString().includes('p2p-circuit'), true)
    assert.ok(await a.documents.ask(b.host.peerId, { head: true }, limits.timestamp))
    // Both may have dialled: then one of the two connections ends after a while.
    await until(() => hub.relays.relay.open === 1, 'one splice')
    assert.ok(hub.relays.relay.bytes > 1000)
    await b.stopAll()
    await until(() => hub.relays.relay.open === 0, 'the splice to end with one of its ends')
  })

  it('is one of those that the release names', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    fleet.release({
      message: 'hubs',
      extensions: { values: { hubs: { north: ['/ip4/192.0.2.1/tcp/4460'] } }, critical: [] },
    })
    const [north, south] = [await startHub(made, fleet, 'north'), await startHub(made, fleet, 'south')]
    const a = await startHidden(made, fleet, 'a', [north, south])
    await atHubs(a, north)
    await until(() => isMember(a, south), 'the other relay to be there as well')
    assert.deepEqual(a.relays.keeper.all, [north.identity.peerId])
    const b = await startFixed(made, fleet, 'b', [south])
    await until(() => isMember(b, south), 'b to be at the relay that is no hub')
    assert.equal(await a.relays.dial(b.identity.peerId, AbortSignal.timeout(120_000)), undefined)
  })

  it('is found again by a peer whose hub has ended', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const first = await startHub(made, fleet, 'hub-1')
    const second = await startHub(made, fleet, 'hub-2', [first])
    const third = await startHub(made, fleet, 'hub-3', [first, second])
    const all = [first, second, third]
    const a = await startHidden(made, fleet, 'a', all)
    await until(() => a.relays.keeper.all.length === 3 && a.relays.keeper.connected.length >= 2, 'two hubs')
    const preferred = all.find(({ identity }) => identity.peerId === a.relays.keeper.all[0])
    await preferred?.stopAll()
    const others = all.filter(hub => hub !== preferred)
    await atHubs(a, ...others)
  })
})
