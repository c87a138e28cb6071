/** Peers without a certificate: they get nothing but hello, on any protocol, briefly; and their bytes end no process. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setImmediate as tick } from 'node:timers/promises'
import { refusedHellos } from '../../../node/mesh/limits.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { connect, liveFleet, type TestPeer } from '../../helpers/mesh.ts'
import { fate, helloOf, sayHello } from '../../helpers/raw-host.ts'
import { dump } from '../../helpers/state.ts'
import { until } from '../../helpers/until.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { framed } from '../wire.ts'

/** A plain TCP connection to where the victim listens, ended with the arena. */
async function tcpTo(arena: Arena, victim: TestPeer): Promise<Socket> {
  const { address, port } = placeOf(victim)
  const socket = connectTcp(port, address)
  socket.on('error', () => {})
  arena.ending.after(async () => {
    socket.destroy()
  })
  await once(socket, 'connect')
  return socket
}

function placeOf(victim: TestPeer): { address: string; port: number } {
  const [, , address = '', , port = ''] = String(victim.host.getMultiaddrs()[0]).split('/')
  return { address, port: Number(port) }
}

const elsewhere = () => liveFleet('elsewhere')

export const strangerAttacks: Attack[] = [
  {
    id: 'stranger-protocols',
    power: 'no key',
    tried: 'opens a stream of every protocol before it says hello, and sends on each',
    expected: 'not one byte is served; it is dropped and refused for a while',
    async run(arena) {
      const victim = await arena.victim({ settings: { dht: 'server' } })
      const stranger = await arena.hostile('stranger', new Uint8Array(1))
      const connection = await stranger.dial(victim)
      const { names } = victim
      // libp2p ends the multiplexer of a connection that opens more than ten streams before the other side listens.
      await until(
        () => victim.host.getConnections(stranger.host.peerId).length === 1,
        'the victim to have the connection',
      )
      // No more at once than may wait: who opens more is cut off before, and so never refused.
      const old = ['/meshsub/1.0.0', '/meshsub/1.1.0', `/${names.prefix}/monitor/1.0.0`, names.plainSync]
      const protocols = victim.host.getProtocols().filter(each => each !== names.hello && !old.includes(each))
      for (const expected of [names.document, names.sync, names.swarm, '/meshsub/1.2.0', `/${names.prefix}/kad/1`]) {
        assert.ok(protocols.includes(expected), `${expected} is served`)
      }
      const fates = await Promise.all(
        protocols.map(async protocol => {
          // Beyond those that may wait, streams are reset at once.
          const stream = await connection.newStream(protocol).catch(() => undefined)
          if (stream?.writeStatus !== 'writable') return { protocol, bytes: 0, status: 'reset' }
          stream.send(new Uint8Array(64))
          return { protocol, ...(await fate(stream)) }
        }),
      )
      for (const { protocol, bytes, status } of fates) {
        assert.equal(bytes, 0, `${protocol} sent ${bytes} bytes to a stranger`)
        assert.notEqual(status, 'open', protocol)
      }
      await until(() => victim.host.getConnections(stranger.host.peerId).length === 0, 'the stranger to be dropped')
      assert.ok(victim.admission.isRefused(stranger.id))
      // Back at once, it finds no open door.
      const again = await stranger.dial(victim).catch(() => undefined)
      await until(() => again === undefined || again.status !== 'open', 'the second connection to be refused')
      assert.deepEqual(victim.admission.members, [])
    },
  },
  {
    id: 'stranger-hellos',
    power: 'another fleet',
    tried: 'says hello again and again on one connection: each costs signatures to check',
    expected: `dropped after ${refusedHellos} hellos`,
    async run(arena) {
      const victim = await arena.victim()
      const certificate = elsewhere().certify(testSigner('stranger'), { name: 'stranger' })
      const stranger = await arena.hostile('stranger', certificate)
      const connection = await stranger.dial(victim)
      let verdicts = 0
      while (connection.status === 'open') {
        const verdict = await sayHello(connection, arena.fleet, helloOf(elsewhere(), certificate)).catch(
          () => undefined,
        )
        if (verdict === undefined) await tick()
        else verdicts++
        assert.notEqual(verdict?.admitted, true)
      }
      assert.ok(verdicts <= refusedHellos, `${verdicts} hellos were checked`)
    },
  },
  {
    id: 'stranger-silent',
    power: 'no key',
    tried: 'connects and says nothing',
    expected: 'dropped when the time for a hello is over, with no stream left',
    async run(arena) {
      const victim = await arena.victim()
      const stranger = await arena.hostile('stranger', new Uint8Array(1))
      const connection = await stranger.dial(victim)
      await until(() => connection.status !== 'open', 'the silent one to be dropped')
      await until(() => victim.host.getConnections().length === 0, 'the victim to have dropped it')
      assert.ok(victim.admission.isRefused(stranger.id))
    },
  },
  {
    id: 'stranger-half-hello',
    power: 'no key',
    tried: 'sends a hello byte by byte and never ends it',
    expected: 'dropped when the time for a hello is over',
    async run(arena) {
      const victim = await arena.victim()
      const stranger = await arena.hostile('stranger', new Uint8Array(1))
      const connection = await stranger.dial(victim)
      const stream = await stranger.open(connection, victim.names.hello)
      stream.send(framed(new Uint8Array(), 1000))
      const timer = setInterval(() => stream.writeStatus === 'writable' && stream.send(Uint8Array.of(0xa6)), 200)
      arena.ending.after(async () => clearInterval(timer))
      await until(() => connection.status !== 'open', 'the slow one to be dropped')
      await until(() => victim.host.getConnections().length === 0, 'the victim to have dropped it')
    },
  },
  {
    id: 'stranger-giant-hello',
    power: 'no key',
    tried: 'announces a hello of 4 GiB',
    expected: 'not read: the stream ends, and nothing is set aside for it',
    async run(arena) {
      const victim = await arena.victim()
      const stranger = await arena.hostile('stranger', new Uint8Array(1))
      const stream = await stranger.open(await stranger.dial(victim), victim.names.hello)
      const ended = fate(stream)
      stream.send(framed(new Uint8Array(100), 0xffff_ffff))
      const { status } = await ended
      assert.notEqual(status, 'open')
      assert.ok(victim.log.count(/at most 8192 bytes, got 4294967295/) > 0)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'stranger-false-news',
    power: 'another fleet',
    tried: "says in its hello that it has newer metadata, and hands out its own fleet's",
    expected: 'asked, refused, not a member; nothing changes',
    async run(arena) {
      const victim = await arena.victim()
      const other = elsewhere()
      const certificate = other.certify(testSigner('stranger'), { name: 'stranger' })
      const stranger = await arena.hostile('stranger', certificate)
      await stranger.serve({ head: other.release().trusted.timestamp?.bytes ?? new Uint8Array() })
      await arena.unmoved(victim, async () => {
        await stranger.greet(victim, { root: 9, timestamp: 9 })
        await until(
          () => victim.log.count(/timestamp metadata lacks the signatures/, stranger.id) > 0,
          'the victim to refuse it',
        )
        assert.deepEqual(victim.admission.members, [])
      })
    },
  },
  {
    id: 'stranger-stalls-news',
    power: 'another fleet',
    tried: 'claims to have updates, and never answers requests for them',
    expected: "updates from a member don't wait for it",
    async run(arena) {
      const victim = await arena.victim()
      const certificate = elsewhere().certify(testSigner('stranger'), { name: 'stranger' })
      const stranger = await arena.hostile('stranger', certificate)
      await stranger.serve({ twist: () => 'stall' })
      await stranger.greet(victim, { root: 9, timestamp: 9 })
      await until(() => stranger.asked.length > 0, 'the victim to ask')
      await arena.goesOn(victim)
    },
  },
  {
    id: 'network-garbage',
    power: 'network',
    tried: 'sends random bytes to the port: as TCP, after the protocol selection, in the middle of a handshake',
    expected: 'the connections end; members come and go as before',
    async run(arena) {
      const victim = await arena.victim()
      const select = (text: string) => Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(`${text}\n`)])
      const noise = Buffer.concat([select('/multistream/1.0.0'), select('/noise')])
      const garbage = Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 167 + 13) % 256))
      const sockets: Socket[] = []
      for (const bytes of [
        garbage,
        Buffer.alloc(100_000),
        Buffer.concat([noise, garbage]),
        Buffer.concat([noise, Buffer.from([255, 255])]),
      ]) {
        const socket = await tcpTo(arena, victim)
        socket.write(bytes)
        sockets.push(socket)
      }
      await until(() => victim.host.getConnections().length === 0, 'no connection to be left')
      await arena.goesOn(victim)
      for (const socket of sockets) socket.destroy()
    },
  },
  {
    id: 'network-slow-handshakes',
    power: 'network',
    tried: 'opens 90 connections and never ends their handshakes',
    expected: 'honest peers still connect; the half-open ones end by themselves',
    async run(arena) {
      const victim = await arena.victim()
      const sockets: Socket[] = []
      for (let each = 0; each < 90; each++) sockets.push(await tcpTo(arena, victim))
      await arena.goesOn(victim)
      await until(() => sockets.every(socket => socket.closed), 'the half-open ones to end')
    },
  },
  {
    id: 'stranger-connections',
    power: 'no key',
    tried: 'connects 80 times at once, under 80 identities',
    expected: 'a member keeps its connection; all the others are dropped in time; nothing on disk',
    async run(arena) {
      const victim = await arena.victim()
      const member = await arena.honest({ word: 'member' })
      await connect(member, victim)
      await arena.kept(victim, member.identity.peerId)
      const before = await dump(victim.peerState.database, ['trust', 'documents', 'members', 'reports', 'releases'])
      const crowd = await Promise.all(
        Array.from({ length: 80 }, (_, at) => arena.hostile(`crowd-${at}`, new Uint8Array(1))),
      )
      await Promise.all(crowd.map(each => each.dial(victim).catch(() => {})))
      assert.ok(victim.admission.member(member.host.peerId))
      await until(() => victim.host.getConnections().length === 1, 'the strangers to be dropped')
      assert.deepEqual(
        victim.admission.members.map(({ peer }) => peer.toString()),
        [member.identity.peerId],
      )
      assert.deepEqual(
        await dump(victim.peerState.database, ['trust', 'documents', 'members', 'reports', 'releases']),
        before,
      )
    },
  },
]
