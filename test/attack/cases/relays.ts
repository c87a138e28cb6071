/** Relays that are none, lie or listen, and members that misuse a relay. */

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { splicesPerPeer } from '../../../node/mesh/limits.ts'
import { hubsInOrder } from '../../../node/mesh/relay/hub-order.ts'
import { Channel, withChannel } from '../../../node/mesh/transport/channel.ts'
import { wayOf } from '../../../node/mesh/transport/way.ts'
import {
  reachAnswerCodec,
  reachRequestCodec,
  relayAnswerCodec,
  relayedRequestCodec,
  relayRequestCodec,
} from '../../../protocol/messages/relay.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { addressesOf, type TestPeer } from '../../helpers/mesh.ts'
import { answerHello, helloOf } from '../../helpers/raw-host.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'
import type { HostilePeer } from '../hostile-peer.ts'

/** A hostile peer with a certificate of a hub. */
function hostileHub(arena: Arena): Promise<HostilePeer> {
  return arena.hostile('hub', arena.fleet.certify(testSigner('hub'), { name: 'hub', role: 'relay' }))
}

/** The victim is a hub itself. */
function victimHub(arena: Arena): Promise<Victim> {
  return arena.victim({ certificate: arena.fleet.certify(testSigner('victim'), { name: 'victim', role: 'relay' }) })
}

/** Opens a stream to the victim as a hub does for another member; resolves to the channel after the victim's answer. */
async function spliceTo(victim: Victim, hub: HostilePeer, from: string) {
  const connection = await hub.join(victim)
  const channel = new Channel(await hub.open(connection, hub.names.relayed))
  await channel.send(relayedRequestCodec, { from })
  return { channel, answer: await channel.receive(relayAnswerCodec) }
}

async function knowsHub(victim: TestPeer, hub: HostilePeer): Promise<void> {
  await until(() => victim.relays.keeper.all.includes(hub.id), 'the victim to know the hub')
}

/** Two honest members at a hub, whose ways stay as they are. */
async function twoAt(arena: Arena, hub: readonly string[]): Promise<[TestPeer, TestPeer]> {
  const made = ['one', 'two'].map(word => arena.honest({ word, settings: { listen: [], bootstrap: [...hub] } }))
  const [one, two] = (await Promise.all(made)) as [TestPeer, TestPeer]
  for (const peer of [one, two]) {
    await peer.relays.puncher.stop()
    await until(() => peer.relays.keeper.connected.length > 0, `${peer.word} to be at the hub`)
  }
  return [one, two]
}

async function dials(one: TestPeer, two: TestPeer): Promise<void> {
  const connection = await one.relays.dial(two.identity.peerId, AbortSignal.timeout(120_000))
  assert.ok(connection && wayOf(connection).kind === 'relayed')
  await until(() => one.admission.member(two.host.peerId) !== undefined, 'the two to admit each other')
}

export const relayAttacks: Attack[] = [
  {
    id: 'relay-no-hub',
    power: 'device key',
    tried: 'hands the victim a stream that it says it relays for another member, without being a hub',
    expected: 'the victim refuses the stream',
    async run(arena) {
      const victim = await arena.victim()
      const honest = await arena.honest({ word: 'named' })
      const { answer } = await spliceTo(victim, await arena.hostile(), honest.identity.peerId)
      assert.deepEqual(answer, { error: 'refused' })
      await arena.goesOn(victim)
    },
  },
  {
    id: 'relay-claims-another',
    power: 'device key',
    tried: 'as a hub, hands over a stream in the name of another member, and speaks for it itself',
    expected: 'Noise proves that it is not that member: no connection comes of it',
    async run(arena) {
      const victim = await arena.victim()
      const hub = await hostileHub(arena)
      const named = await arena.honest({ word: 'named' })
      await hub.join(victim)
      await knowsHub(victim, hub)
      const { channel, answer } = await spliceTo(victim, hub, named.identity.peerId)
      assert.ok('ok' in answer)
      // The first words of any connection: then it has to prove its key.
      channel.stream.send(Buffer.from('\u0013/multistream/1.0.0\n\u0007/noise\n'))
      channel.stream.send(Buffer.alloc(34, 1))
      await until(() => channel.stream.status !== 'open' || channel.stream.readableEnded, 'the victim to end it')
      assert.equal(victim.host.getConnections(named.host.peerId).length, 0)
      await arena.goesOn(victim)
    },
  },
  {
    id: 'relay-reads-nothing',
    power: 'device key',
    tried: 'as a hub, keeps all bytes that it passes on between two members',
    expected: 'what it has is ciphertext: no certificate, no name and no metadata is in it',
    async run(arena) {
      const victim = await arena.victim({ settings: { listen: [] } })
      const hub = await hostileHub(arena)
      const kept: Uint8Array[] = []
      await hub.host.handle(hub.names.relay, (stream, { remotePeer }) =>
        passOn(hub, stream, remotePeer.toString(), kept),
      )
      await answerHello(hub.host, arena.fleet, helloOf(arena.fleet, hub.certificate))
      const other = await arena.honest({ settings: { listen: [] } })
      for (const peer of [victim, other]) {
        await peer.relays.puncher.stop()
        await peer.host.dial(hub.host.getMultiaddrs())
        await until(() => peer.host.getConnections(hub.host.peerId).length > 0, 'the hub to be connected')
      }
      await Promise.all([victim, other].map(peer => admits(peer, hub)))
      await dials(victim, other)
      const all = Buffer.concat(kept)
      assert.ok(all.length > 2000)
      for (const secret of [victim.certificate, other.certificate, Buffer.from(victim.fleet), Buffer.from('honest')]) {
        assert.equal(all.includes(Buffer.from(secret)), false)
      }
    },
  },
  {
    id: 'relay-splice-flood',
    power: 'device key',
    tried: 'opens streams through the hub without end, to another member and to nobody, and says nothing on them',
    expected: 'it has its share of places and of questions; others meet through the hub meanwhile',
    async run(arena) {
      const victim = await victimHub(arena)
      const [one, two] = await twoAt(arena, addressesOf(victim))
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const ask = async (to: string) => {
        const channel = new Channel(await hostile.open(connection, hostile.names.relay), AbortSignal.timeout(120_000))
        await channel.send(relayRequestCodec, { to })
        return await channel.receive(relayAnswerCodec)
      }
      const asked = Array.from({ length: 3 * splicesPerPeer }, (_, at) => {
        return ask(at % 2 === 0 ? two.identity.peerId : hostile.id).catch(() => undefined)
      })
      await dials(one, two)
      const answers = (await Promise.all(asked)).filter(answer => answer !== undefined)
      const spliced = answers.filter(answer => 'ok' in answer).length
      assert.ok(spliced <= splicesPerPeer, `${spliced} streams were spliced`)
      assert.ok(victim.relays.relay.open <= splicesPerPeer + 1)
    },
  },
  {
    id: 'relay-stall',
    power: 'device key',
    tried: 'never answers a stream that the hub relays to it, and asks the hub for nothing on streams of its own',
    expected: 'others meet through the hub meanwhile',
    async run(arena) {
      const victim = await victimHub(arena)
      const [one, two] = await twoAt(arena, addressesOf(victim))
      const hostile = await arena.hostile()
      let waiting = 0
      await hostile.host.handle(hostile.names.relayed, () => void waiting++, { maxInboundStreams: 1000 })
      const connection = await hostile.join(victim)
      for (let at = 0; at < 8; at++) await hostile.open(connection, hostile.names.relay)
      for (let at = 0; at < 8; at++) void one.relays.dial(hostile.id, AbortSignal.timeout(120_000))
      await until(() => waiting > 0, 'the hub to ask the hostile peer')
      await dials(two, one)
    },
  },
  {
    id: 'relay-hub-swallows',
    power: 'device key',
    tried: 'as the hub that a member prefers, says that it relays and passes nothing on',
    expected: 'the member is met through the next hub',
    async run(arena) {
      const victim = await arena.victim({ settings: { listen: [] } })
      const hub = await hostileHub(arena)
      let swallowed = 0
      await hub.host.handle(hub.names.relay, async stream => {
        const channel = new Channel(stream)
        await channel.receive(relayRequestCodec)
        swallowed++
        await channel.send(relayAnswerCodec, { ok: true })
      })
      await answerHello(hub.host, arena.fleet, helloOf(arena.fleet, hub.certificate))
      const certificate = arena.fleet.certify(testSigner('next'), { name: 'next', role: 'relay' })
      const next = await arena.honest({ word: 'next', certificate })
      const hubs = [hub.id, next.identity.peerId]
      const words = Array.from({ length: 50 }, (_, i) => `member-${i}`)
      const word = words.find(each => hubsInOrder(peerIdOf(testSigner(each).publicKey), hubs)[0] === hub.id)
      const other = await arena.honest({ ...(word && { word }), settings: { listen: [] } })
      for (const peer of [victim, other]) {
        await peer.relays.puncher.stop()
        await peer.host.dial(hub.host.getMultiaddrs())
        await peer.host.dial(next.host.getMultiaddrs())
      }
      await until(() => hubs.every(each => victim.relays.keeper.isConnected(each)), 'both hubs to be admitted')
      await until(() => other.relays.keeper.isConnected(next.identity.peerId), 'the member to be at the next hub')
      const connection = await victim.relays.dial(other.identity.peerId, AbortSignal.timeout(120_000))
      assert.ok(swallowed > 0)
      assert.equal(connection && wayOf(connection).hub, next.identity.peerId)
    },
  },
  {
    id: 'reach-reflection',
    power: 'device key',
    tried: 'asks to be dialled at a port where something else listens, again and again',
    expected:
      'only its own address is dialled, twice at most; that nobody of its name answers there is all that it learns',
    async run(arena) {
      const victim = await arena.victim()
      let knocks = 0
      const server = createServer(socket => {
        knocks++
        socket.destroy()
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      arena.ending.after(async () => void server.close())
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const answers: (string | undefined)[] = []
      for (let at = 0; at < 6; at++) {
        const stream = await hostile.open(connection, hostile.names.reach)
        const { dialled } = await withChannel(stream, undefined, async channel => {
          await channel.send(reachRequestCodec, { dial: port })
          return await channel.receive(reachAnswerCodec)
        })
        answers.push(dialled)
      }
      assert.deepEqual(answers, ['no', 'no', 'later', 'later', 'later', 'later'])
      assert.equal(knocks, 2)
      await arena.goesOn(victim)
    },
  },
]

async function admits(peer: TestPeer, hub: HostilePeer): Promise<void> {
  await until(() => peer.relays.keeper.isConnected(hub.id), 'the hub to be admitted')
}

/** What a hub does, and keeps what it passes on. */
async function passOn(hub: HostilePeer, stream: Stream, from: string, kept: Uint8Array[]): Promise<void> {
  const near = new Channel(stream)
  const { to } = await near.receive(relayRequestCodec)
  const [there] = hub.host.getConnections(peerIdFromString(to))
  assert.ok(there)
  const far = new Channel(await there.newStream(hub.names.relayed))
  await far.send(relayedRequestCodec, { from })
  await far.receive(relayAnswerCodec)
  await near.send(relayAnswerCodec, { ok: true })
  for (const [source, target] of [
    [near, far],
    [far, near],
  ] as const) {
    void (async () => {
      for (let bytes = await source.reader.next(); bytes !== undefined; bytes = await source.reader.next()) {
        kept.push(bytes)
        target.stream.send(bytes)
      }
    })().catch(() => {})
  }
}
