/** Many identities of one join token, or of one address, that fill what a peer has for all. */

import assert from 'node:assert/strict'
import { bookedPeers } from '../../../node/mesh/limits.ts'
import { tokenIdOfGrant } from '../../../protocol/members/join-token.ts'
import type { SyncItem } from '../../../protocol/messages/messages.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../helpers/fleet.ts'
import { connect, isMember, reportOf, type TestPeer } from '../../helpers/mesh.ts'
import { dump } from '../../helpers/state.ts'
import { until } from '../../helpers/until.ts'
import type { Arena, Victim } from '../arena.ts'
import type { Attack } from '../attack.ts'

/** The same proportions as those of a device, with fewer identities. */
const connections = { members: 12, strangers: 8 }

/** A victim whose connections a crowd of one token has filled, and a member that was there before. */
async function crowded(arena: Arena): Promise<{ victim: Victim; member: TestPeer }> {
  const victim = await arena.victim({ connections })
  const member = await arena.honest({ word: 'member' })
  await connect(member, victim)
  const crowd = await arena.crowd(2 * connections.members)
  for (const each of crowd) {
    await each.greet(victim).catch(() => {})
    const redial = setInterval(() => void each.greet(victim).catch(() => {}), 2_000)
    arena.ending.after(async () => clearInterval(redial))
  }
  return { victim, member }
}

export const crowdAttacks: Attack[] = [
  {
    id: 'crowd-connections',
    power: 'join token',
    tried: 'fills all connections with identities of one token, and dials again at once when it loses one',
    expected: 'members of other tokens and countersigned ones get in; who was there stays',
    async run(arena) {
      const { victim, member } = await crowded(arena)
      const token = arena.fleet.token({ word: 'another token' })
      const certificate = arena.fleet.join(token, testSigner('newcomer'), { name: 'newcomer' })
      await joins(await arena.honest({ word: 'newcomer', certificate }), victim)
      await joins(await arena.honest({ word: 'device' }), victim)
      assert.ok(isMember(victim, member))
    },
  },
  {
    id: 'crowd-addresses',
    power: 'join token',
    tried: `makes ${bookedPeers + 200} members and tells where they are, so that no address of others is kept or dialled`,
    expected: `${bookedPeers} peers have addresses at most; those of other members are kept, old and new`,
    // Beside other attacks, all would wait for its certificates to be verified.
    alone: true,
    async run(arena) {
      const victim = await arena.victim()
      const member = await arena.honest({ word: 'member' })
      await connect(victim, member)
      const has = async (peer: TestPeer) => (await addressed(victim)).includes(peer.identity.peerId)
      await until(() => has(member), 'the address of the member')
      const hostile = await arena.hostile()
      await hostile.sync(await hostile.join(victim), {}, itemsOf(arena, bookedPeers + 200))
      await until(() => victim.directory.certificates().length > bookedPeers + 200, 'all certificates')
      await until(async () => (await addressed(victim)).length >= bookedPeers, 'their addresses')
      const newcomer = await arena.honest({ word: 'newcomer' })
      await connect(victim, newcomer)
      await until(() => has(newcomer), 'the address of the newcomer')
      assert.ok(await has(member))
      const kept = await addressed(victim)
      assert.ok(kept.length <= bookedPeers, `${kept.length} peers have addresses`)
    },
  },
  {
    id: 'crowd-revoked',
    power: 'join token',
    tried: 'leaves reports, histories and addresses of its members behind when the token is revoked',
    expected: 'nothing of them is left on disk, in the list of members or among what is dialled',
    async run(arena) {
      const victim = await arena.victim()
      const crowd = await arena.crowd(3)
      for (const each of crowd) {
        const connection = await each.join(victim)
        const author = { fleet: arena.fleet.fleet, signer: each.signer }
        const report = reportOf(author, 1, { state: 'running', release: 1 })
        await each.sync(connection, {}, [{ report }, { addresses: ['/ip4/127.0.0.1/tcp/9'], peer: each.id }])
      }
      const left = () => dump(victim.peerState.database, ['members', 'reports', 'addresses', 'history'])
      const tells = (lines: string[]) => crowd.some(each => lines.some(line => line.includes(each.id)))
      await until(async () => tells(await left()), 'them to be known')
      const { grant } = arena.fleet.token()
      arena.fleet.revoke({ tokens: [tokenIdOfGrant(grant)] })
      await connect(await arena.honest(), victim)
      await until(async () => !tells(await left()), 'them to be forgotten on disk')
      const stored = async () => (await victim.host.peerStore.all()).map(({ id }) => id.toString())
      await until(async () => !tells(await stored()), 'them to be forgotten by libp2p')
      assert.ok(crowd.every(each => victim.directory.certificate(each.id) === undefined))
    },
  },
  {
    id: 'crowd-controller',
    power: 'device key',
    tried: 'fills all connections with identities that the members role has signed',
    expected: "an operator's controller gets in all the same",
    async run(arena) {
      const victim = await arena.victim({ connections })
      for (let at = 0; at < 2 * connections.members; at++) {
        const each = await arena.hostile(`stolen-${at}`)
        await each.greet(victim).catch(() => {})
      }
      const certificate = arena.fleet.certify(testSigner('operator'), { name: 'operator', role: 'controller' })
      await joins(await arena.honest({ word: 'operator', certificate }), victim)
    },
  },
]

/** Certificates of one token's members, and an address for each. */
function itemsOf(arena: Arena, count: number): SyncItem[] {
  const token = arena.fleet.token()
  const members = Array.from({ length: count }, (_, at) => testSigner(`invented ${at}`))
  const peers = members.map(({ publicKey }) => peerIdOf(publicKey))
  return [
    ...members.map((signer, at) => ({
      certificate: arena.fleet.join(token, signer, { name: `invented-${at}` }),
      peer: peers[at] ?? '',
    })),
    ...peers.map(peer => ({ addresses: ['/ip4/127.0.0.1/tcp/9'], peer })),
  ]
}

async function addressed(victim: Victim): Promise<string[]> {
  const kept: string[] = []
  for await (const [peer] of victim.peerState.database.table('addresses').entries()) kept.push(peer)
  return kept
}

/** Dials until it is a member, as the dial supervisor does. */
async function joins(peer: TestPeer, victim: Victim): Promise<void> {
  const tried = async () => {
    if (peer.host.getConnections(victim.host.peerId).length === 0) {
      await peer.host.dial(victim.host.getMultiaddrs()).catch(() => {})
    }
    return isMember(victim, peer) && isMember(peer, victim)
  }
  await until(tried, `${peer.word} to be admitted`)
}
