/** Many identities of one join token, or of one address, that fill what a peer has for all. */

import assert from 'node:assert/strict'
import { testSigner } from '../../helpers/fleet.ts'
import { connect, isMember, type TestPeer } from '../../helpers/mesh.ts'
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

/** Dials until it is a member, as the dial supervisor does. */
async function joins(peer: TestPeer, victim: Victim): Promise<void> {
  const tried = async () => {
    if (peer.host.getConnections(victim.host.peerId).length === 0) {
      await peer.host.dial(victim.host.getMultiaddrs()).catch(() => {})
    }
    return isMember(victim, peer) && isMember(peer, victim)
  }
  await until(tried, `${peer.word} to be admitted`, 30_000)
}
