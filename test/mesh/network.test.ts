/** Tests of a look at the network: what `thymesh peers` and `thymesh netcheck` say of real peers. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limits } from '../../protocol/limits.ts'
import { testSigner } from '../helpers/fleet.ts'
import { addressesOf, liveFleet, Mesh, type TestPeer } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

async function scene(t: {
  after(undo: () => Promise<void>): void
}): Promise<{ hub: TestPeer; a: TestPeer; b: TestPeer }> {
  const made = await Mesh.of(t)
  const fleet = liveFleet()
  const certificate = fleet.certify(testSigner('hub'), { name: 'hub-1', role: 'relay' })
  const hub = await made.start({ word: 'hub', fleet, certificate })
  const hidden = (word: string) => {
    return made.start({ word, fleet, settings: { listen: [], bootstrap: addressesOf(hub) } })
  }
  const [a, b] = [await hidden('a'), await hidden('b')]
  for (const peer of [a, b]) {
    await peer.relays.puncher.stop()
    await until(() => peer.relays.keeper.connected.length === 1, `${peer.word} to be at the hub`)
  }
  await a.relays.dial(b.identity.peerId, AbortSignal.timeout(120_000))
  await until(() => a.admission.members.length === 2 && b.admission.members.length === 2, 'all to be admitted')
  return { hub, a, b }
}

describe('a look at the network', () => {
  it('shows each connection with its way, and bytes that grow', async t => {
    const { a, b } = await scene(t)
    const { self, connections } = await a.door.neighbours.look()
    assert.equal(self, 'a')
    assert.deepEqual(
      connections.map(({ name, role, way, direction }) => ({ name, role, way, direction })),
      [
        { name: 'b', role: 'device', way: { kind: 'relayed', hub: 'hub-1' }, direction: 'out' },
        { name: 'hub-1', role: 'relay', way: { kind: 'direct', hub: null }, direction: 'out' },
      ],
    )
    for (const { received, sent, roundTripMs } of connections) {
      assert.ok(received > 1000 && sent > 1000, `${received} and ${sent} bytes`)
      assert.ok(roundTripMs !== null)
    }
    assert.deepEqual(a.door.neighbours.wayTo(b.identity.peerId), { kind: 'relayed', hub: 'hub-1' })
    const [before] = connections
    await a.documents.ask(b.host.peerId, { head: true }, limits.timestamp)
    const [after] = (await a.door.neighbours.look()).connections
    assert.ok((after?.sent ?? 0) > (before?.sent ?? 0))
  })

  it('checks what is there, and says what is not', async t => {
    const { hub, a } = await scene(t)
    const results = async (peer: TestPeer) => {
      const { checks, ok } = await peer.door.neighbours.check()
      return { ok, ...Object.fromEntries(checks.map(({ check, result }) => [check, result])) }
    }
    const seen = await results(a)
    assert.deepEqual(
      { ...seen, nat: undefined, ipv6: undefined },
      {
        ...{
          ok: true,
          listening: 'none',
          peers: 'good',
          reachable: 'none',
          hubs: 'good',
          mdns: 'none',
        },
        ...{ clock: 'good', nat: undefined, ipv6: undefined },
      },
    )
    await hub.stopAll()
    await until(() => a.relays.keeper.connected.length === 0, 'the hub to be gone')
    const { ok, hubs } = (await results(a)) as { ok: boolean; hubs: string }
    assert.deepEqual({ ok, hubs }, { ok: false, hubs: 'bad' })
  })
})
