/** The host itself: what it registers, how it works round js-libp2p's faults, and that it ends. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { Channel } from '../../node/mesh/transport/channel.ts'
import { serviceProtocols } from '../../node/mesh/transport/host.ts'
import { liveness } from '../../node/mesh/transport/liveness.ts'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { libp2pLogger } from '../../node/process/log.ts'
import { withCode } from '../helpers/errors.ts'
import { silentLogger } from '../helpers/log.ts'
import { addressesOf, connect, isMember, liveFleet, Mesh, mesh, type TestPeer } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

describe('a host', () => {
  it('registers no protocol that admission does not know', async t => {
    const made = await Mesh.of(t)
    for (const dht of ['server', 'client', 'off'] as const) {
      const peer = await made.start({ word: `dht-${dht}`, fleet: liveFleet(), settings: { dht } })
      const { names, host } = peer
      const own = [
        names.hello,
        names.sync,
        names.syncByLongPrints,
        names.syncByDigests,
        names.plainSync,
        names.syncOfPlainReports,
        names.document,
        names.documentDelta,
        names.documentsOfHead,
        names.proposals,
        names.news,
        names.swarm,
        names.swarmWithoutLosses,
        names.lane,
        names.streamLane,
        names.relay,
        names.relayed,
        names.reach,
        names.punch,
      ]
      const known = new Set([...own, ...serviceProtocols(names)])
      assert.deepEqual(
        host.getProtocols().filter(each => !known.has(each)),
        [],
      )
      for (const each of own) assert.ok(host.getProtocols().includes(each))
    }
  })

  it('has connections that can be asked whether the other process responds', async t => {
    const { peers } = await mesh(t, 2)
    const [a, b] = peers as [TestPeer, TestPeer]
    await connect(a, b)
    const [connection] = a.host.getConnections(b.host.peerId)
    assert.ok(connection !== undefined)
    delete connection.rtt
    const checks = liveness({ intervalMs: 10, lookMs: 5 })({
      connectionManager: a.host,
      logger: libp2pLogger(silentLogger),
    })
    checks.start()
    t.after(() => checks.stop())
    await until(() => connection.rtt !== undefined, 'the round trip')
    assert.equal(connection.status, 'open')
  })

  it('handles each stream once, however many came before', async t => {
    const { peers } = await mesh(t, 2)
    const [a, b] = peers as [TestPeer, TestPeer]
    const protocol = `/${a.names.prefix}/test/1`
    let handled = 0
    b.admission.gate(protocol)
    await b.host.handle(protocol, async stream => {
      handled++
      await stream.close()
    })
    await connect(a, b)
    for (let each = 1; each <= 4; each++) {
      const stream = await openStream(a.host, b.host.peerId, protocol)
      await stream.close()
      await until(() => stream.status === 'closed', 'the stream to end')
      assert.equal(handled, each)
    }
  })

  it('lets a slow reader keep little of a large body in memory', async t => {
    const { peers } = await mesh(t, 2)
    const [a, b] = peers as [TestPeer, TestPeer]
    const protocol = `/${a.names.prefix}/test/1`
    const piece = new Uint8Array(1 << 16)
    const size = 64 << 20
    let sent = 0
    function* body() {
      for (; sent < size; sent += piece.length) yield piece
    }
    await b.host.handle(protocol, async stream => {
      const channel = new Channel(stream)
      await channel.sendBody(body())
      await channel.close()
    })
    await connect(a, b)
    const channel = new Channel(await openStream(a.host, b.host.peerId, protocol))
    let read = 0
    let ahead = 0
    for await (const chunk of channel.body(size)) {
      read += chunk.length
      // The reader is slow: whatever the network can do meanwhile, it does.
      for (let each = 0; each < 5; each++) await tick()
      ahead = Math.max(ahead, sent - read)
    }
    assert.equal(read, size)
    assert.ok(ahead <= 12 << 20, `the sender was ${ahead} bytes ahead`)
  })

  it('opens streams to peers that are connected only', async t => {
    const { peers } = await mesh(t, 2)
    const [a, b] = peers as [TestPeer, TestPeer]
    await assert.rejects(openStream(a.host, b.host.peerId, a.names.document), withCode('not-connected'))
    assert.equal(a.host.getConnections().length, 0)
  })
})

describe('the end of a peer', () => {
  it('leaves nothing that keeps the process', async () => {
    const program = join(import.meta.dirname, '../helpers/stopping-program.ts')
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 })
    let output = ''
    child.stdout.on('data', data => {
      output += data
    })
    const code = await new Promise(resolve => child.on('close', resolve))
    assert.equal(output, 'stopped\n')
    assert.equal(code, 0)
  })

  it('is quick in the midst of a hello, a refresh and a dial', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const peer = await made.start({ word: 'peer', fleet })
    const bootstrap = [...addressesOf(peer), '/ip4/192.0.2.1/tcp/4460']
    const joiner = await made.start({ word: 'joiner', fleet, trusts: 'none', settings: { bootstrap } })
    await until(() => joiner.host.getConnections().length > 0, 'a connection')
    await joiner.stopAll()
    await until(() => peer.host.getConnections().length === 0, 'the other side to see it')
    assert.deepEqual(peer.admission.members, [])
    await joiner.stop()
  })

  it('follows a start that fails', async t => {
    const made = await Mesh.of(t)
    const store = { start: () => Promise.reject(new Error('no Nix here')) }
    const peer = await made.make({ word: 'peer', fleet: liveFleet(), store })
    await assert.rejects(peer.start(), /no Nix here/)
    assert.equal(peer.host.status, 'stopped')
  })
})

describe('the dial supervisor', () => {
  it('finds a bootstrap peer that is down at first, and again when it comes back', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const first = await made.start({ word: 'hub', fleet })
    const [address] = addressesOf(first)
    assert.ok(address)
    await first.stopAll()
    const peer = await made.start({ word: 'peer', fleet, settings: { bootstrap: [address] } })
    const listen = [address.replace(/\/p2p\/.*/, '')]
    const hubIsThere = async () => {
      const hub = await made.start({ word: 'hub', fleet, settings: { listen } })
      await until(() => isMember(peer, hub) && isMember(hub, peer), 'the hub to be found')
      await hub.stopAll()
      await until(() => peer.admission.members.length === 0, 'the hub to be gone')
    }
    await hubIsThere()
    await hubIsThere()
  })

  it('reaches members that it knows from others', async t => {
    const { peers } = await mesh(t, 3)
    const [a, b, c] = peers as [TestPeer, TestPeer, TestPeer]
    await connect(a, b)
    await connect(b, c)
    await until(() => isMember(a, c) && isMember(c, a), 'the ends to meet')
  })

  it('dials peers that were discovered', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const [a, b] = [await made.start({ word: 'a', fleet }), await made.start({ word: 'b', fleet })]
    a.supervisor.discovered(b.identity.peerId, b.host.getMultiaddrs())
    await until(() => isMember(a, b) && isMember(b, a), 'them to meet')
  })

  it('finds a member by its new address, heard on the local network, after both have moved', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const [a, b] = [await made.start({ word: 'a', fleet }), await made.start({ word: 'b', fleet })]
    await connect(a, b)
    await until(() => a.directory.certificate(b.identity.peerId), 'a to know b')
    await a.stopAll()
    await b.stopAll()
    // New ports stand in for new addresses: what each has noted of the other leads nowhere.
    const [moved, other] = [await made.start({ word: 'a', fleet }), await made.start({ word: 'b', fleet })]
    moved.supervisor.discovered(other.identity.peerId, [multiaddr('/ip4/127.0.0.1/tcp/1')])
    moved.supervisor.discovered(other.identity.peerId, other.host.getMultiaddrs())
    await until(() => isMember(moved, other) && isMember(other, moved), 'them to meet again')
  })
})
