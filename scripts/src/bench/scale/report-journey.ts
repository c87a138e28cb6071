/** Bytes that one device's report costs each peer of a mesh, both ways: real peers on loopback, gossip as in a fleet. */

import { setTimeout as sleep } from 'node:timers/promises'
import { liveFleet, Mesh, reportOf, type TestPeer } from '../../../../test/helpers/mesh.ts'
import { until } from '../../../../test/helpers/until.ts'
import { watchSockets } from './socket-bytes.ts'

/** Gossip has its mesh, and sync has said what it had to. */
const settleMs = 15_000
const limitMs = 120_000

export interface Journey {
  /** Of one report, on the sockets of one peer, headers of TCP and IP excluded. */
  readonly bytesPerReport: number
}

/** Each of the peers dials so many others, and publishes so many reports, all of them one after another. */
export async function reportJourney(
  init: { peers: number; dials: number; reports: number },
  stack: AsyncDisposableStack,
): Promise<Journey> {
  const sockets = watchSockets()
  const mesh = await Mesh.of({ after: stop => void stack.defer(stop) })
  const fleet = liveFleet()
  const peers: TestPeer[] = []
  for (let at = 0; at < init.peers; at++) {
    const peer = await mesh.start({ word: `peer-${at}`, fleet })
    peer.supervisor.stop()
    for (const other of peers.slice(-init.dials)) await peer.host.dial(other.host.getMultiaddrs())
    peers.push(peer)
  }
  await until(() => peers.every(({ directory }) => directory.certificates().length === init.peers), 'members', limitMs)
  await sleep(settleMs)
  const before = sockets.bytes()
  for (let counter = 1; counter <= init.reports; counter++) {
    for (const peer of peers) {
      const report = reportOf(peer, counter, { state: 'running', error: { code: 'sample', message: 'x'.repeat(300) } })
      await peer.directory.addReport(report)
      peer.gossip.publishReport(report)
      await sleep(100)
    }
  }
  const has = ({ directory }: TestPeer) =>
    directory.reports().filter(({ counter }) => counter === init.reports).length === init.peers
  await until(() => peers.every(has), 'all reports', limitMs)
  // Each byte is written once and read once.
  const each = (2 * (sockets.bytes() - before)) / init.peers
  return { bytesPerReport: each / (init.reports * init.peers) }
}
