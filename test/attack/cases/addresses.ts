/** Lies about where peers are: in sync, in identify, in the DHT. Noise proves who answers; what is kept is bounded. */

import assert from 'node:assert/strict'
import { generateKeyPairFromSeed, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { addressesPerPeer, dhtAnswerPeers, discoveredPeers } from '../../../node/mesh/limits.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSeed, testSigner } from '../../helpers/fleet.ts'
import { addressesOf, connect, isMember } from '../../helpers/mesh.ts'
import { until } from '../../helpers/until.ts'
import type { Attack } from '../attack.ts'
import { dhtMessage, dhtTypes, identifyMessage } from '../wire.ts'

export const addressAttacks: Attack[] = [
  {
    id: 'addresses-of-members',
    power: 'device key',
    tried: 'syncs false addresses of a member: its own port, host names, nonsense',
    expected:
      'known addresses stay in front; new ones are few, well-formed and dialled in vain; the member is still found',
    async run(arena) {
      const member = await arena.honest({ word: 'member' })
      const peer = member.identity.peerId
      const victim = await arena.victim()
      await connect(victim, member)
      await until(() => victim.directory.certificate(peer), 'its certificate')
      const hostile = await arena.hostile()
      const connection = await hostile.join(victim)
      const known = addressesOf(member)[0]?.replace(/\/p2p\/.*/, '') ?? ''
      await until(async () => (await addressesIn(victim, peer)).includes(known), 'its address to be kept')
      const lies = [
        hostile.host.getMultiaddrs()[0]?.toString() ?? '',
        '/dns4/evil.example/tcp/1',
        'nonsense',
        '/ip4/127.0.0.1/udp/1',
      ]
      await hostile.sync(connection, {}, [{ addresses: lies, peer }])
      assert.equal((await addressesIn(victim, peer))[0], known)
      await victim.host.hangUp(member.host.peerId)
      await until(() => isMember(victim, member), 'the member to be found again')
    },
  },
  {
    id: 'addresses-of-strangers',
    power: 'device key',
    tried: 'syncs addresses of 500 peers without certificates',
    expected: 'none is kept or dialled',
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const address =
        hostile.host
          .getMultiaddrs()[0]
          ?.toString()
          .replace(/\/p2p\/.*/, '') ?? ''
      const items = Array.from({ length: 500 }, (_, at) => ({
        addresses: [address],
        peer: peerIdOf(testSigner(`invented ${at}`).publicKey),
      }))
      await hostile.sync(await hostile.join(victim), {}, items)
      const kept: string[] = []
      for await (const [peer] of victim.peerState.database.table('addresses').entries()) kept.push(peer)
      assert.deepEqual(
        kept.filter(peer => peer !== hostile.id),
        [],
      )
    },
  },
  {
    id: 'addresses-identify',
    power: 'device key',
    tried: 'claims 500 listening addresses in identify',
    expected: `${addressesPerPeer} of its own addresses are kept at most`,
    async run(arena) {
      const victim = await arena.victim()
      const hostile = await arena.hostile()
      const key = await generateKeyPairFromSeed('Ed25519', testSeed('hostile'))
      const listen = Array.from({ length: 500 }, (_, at) => multiaddr(`/ip4/10.0.${at >> 8}.${at & 255}/tcp/1`).bytes)
      const lies = identifyMessage({ publicKey: publicKeyToProtobuf(key.publicKey), listen })
      let asked = 0
      await hostile.host.handle(`/${hostile.names.prefix}/id/1.0.0`, stream => {
        stream.send(lies)
        void stream.close().catch(() => {})
        asked++
      })
      await hostile.join(victim)
      await until(() => asked > 0, 'the victim to ask')
      await arena.goesOn(victim)
      assert.ok((await addressesIn(victim, hostile.id)).length <= addressesPerPeer)
    },
  },
  {
    id: 'dht-poisoned',
    power: 'device key',
    tried: 'serves a DHT with its own address for every member and for a thousand invented peers',
    expected:
      'a peer at that address must prove its key and show a certificate: nobody new is admitted, few invented peers are kept, honest updates are accepted',
    alone: true,
    async run(arena) {
      const victim = await arena.victim({ settings: { dht: 'client' } })
      const hostile = await arena.hostile()
      const place = hostile.host.getMultiaddrs()[0]
      assert.ok(place)
      const addresses = [multiaddr(place.toString().replace(/\/p2p\/.*/, '')).bytes]
      const invented = await Promise.all(
        Array.from({ length: 1000 }, async (_, at) => {
          const { publicKey } = await generateKeyPairFromSeed('Ed25519', testSeed(`invented ${at}`))
          return { id: Buffer.concat([Buffer.from([0, 36]), publicKeyToProtobuf(publicKey)]), addresses }
        }),
      )
      const dht = `/${hostile.names.prefix}/kad/1`
      const key = await generateKeyPairFromSeed('Ed25519', testSeed('hostile'))
      const told = { publicKey: publicKeyToProtobuf(key.publicKey), protocols: [dht], listen: addresses }
      await hostile.host.handle(`/${hostile.names.prefix}/id/1.0.0`, stream => {
        stream.send(identifyMessage(told))
        void stream.close().catch(() => {})
      })
      await hostile.host.handle(`/${hostile.names.prefix}/ping/1.0.0`, stream => {
        stream.addEventListener('message', ({ data }) => stream.send(data))
      })
      await hostile.host.handle(dht, stream => {
        stream.send(dhtMessage({ type: dhtTypes.findNode, closer: invented }))
      })
      await hostile.join(victim)
      const absent = testSigner('absent')
      let dialled = 0
      const onProgress = ({ type }: { type: string }) => {
        if (type === 'kad-dht:query:dial-peer') dialled++
      }
      const absentId = peerIdFromString(peerIdOf(absent.publicKey))
      await victim.host.peerRouting.findPeer(absentId, { onProgress }).catch(() => {})
      // The hostile peer itself and those of its answer.
      assert.ok(dialled > 1 && dialled <= 1 + dhtAnswerPeers, `${dialled} peers were dialled`)
      assert.deepEqual(
        victim.admission.members.map(({ peer }) => peer.toString()).filter(id => id !== hostile.id),
        [],
      )
      const kept = (await victim.host.peerStore.all()).length
      assert.ok(kept <= discoveredPeers + 10, `${kept} peers are kept`)
      await arena.goesOn(victim)
    },
  },
]

async function addressesIn(
  victim: {
    peerState: { database: { table(name: 'addresses'): { get(key: string): Promise<Uint8Array | undefined> } } }
  },
  peer: string,
): Promise<string[]> {
  return JSON.parse(Buffer.from((await victim.peerState.database.table('addresses').get(peer)) ?? '[]').toString())
}
