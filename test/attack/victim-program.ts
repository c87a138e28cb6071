/** A victim in a process of its own: what it holds after collection is told to who started it. */

import { setImmediate as tick } from 'node:timers/promises'
import type { MeshPeer } from '../../node/peer/mesh-peer.ts'
import { tableNames } from '../../node/state/database.ts'
import { testFleet } from '../helpers/fleet.ts'
import { Mesh, type TestPeer } from '../helpers/mesh.ts'
import { heapBytes } from './memory.ts'
import type { Measured, VictimInit } from './victim-process.ts'

const init = JSON.parse(process.argv[2] ?? '{}') as VictimInit
const undo: (() => Promise<void>)[] = []
const mesh = await Mesh.of({ after: step => undo.push(step) })
const fleet = testFleet({ name: init.fleet, now: new Date(init.now) })
const victim = await mesh.start({ word: 'victim', fleet, settings: { dht: init.dht } })

process.on('message', what => {
  if (what === 'measure') void measured(victim).then(found => process.send?.(found))
  if (what === 'stop') void stop()
})
process.on('disconnect', () => void stop())
process.send?.({ addresses: victim.host.getMultiaddrs().map(String) })

async function stop(): Promise<void> {
  for (const step of undo.reverse()) await step().catch(() => {})
  process.exit(0)
}

async function measured(peer: TestPeer): Promise<Measured> {
  const tables: Measured['tables'] = {}
  for (const name of tableNames) {
    let [entries, bytes] = [0, 0]
    for await (const [key, value] of peer.peerState.database.table(name).entries()) {
      entries++
      bytes += key.length + value.length
    }
    tables[name] = { entries, bytes }
  }
  // Weak references of this turn of the event loop are collected in a later one.
  await tick()
  const connections = peer.host.getConnections()
  return {
    heapBytes: heapBytes(),
    connections: connections.length,
    streams: connections.flatMap(({ streams }) => streams).length,
    members: peer.admission.members.length,
    certificates: peer.directory.certificates().length,
    knownPeers: await knownPeers(peer),
    release: peer.state.accepted?.release.version ?? 0,
    tables,
  }
}

/** Peers that libp2p keeps. */
async function knownPeers({ host }: MeshPeer): Promise<number> {
  return (await host.peerStore.all()).length
}
