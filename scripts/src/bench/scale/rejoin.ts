/**
 * Bytes on all sockets when a device that knows old reports returns to neighbours that know everything: real peers on
 * loopback.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerState } from '../../../../node/state/peer-state.ts'
import { LargeFleet } from '../../../../test/helpers/large-fleet.ts'
import { isMember, Mesh, reportOf, type TestPeer } from '../../../../test/helpers/mesh.ts'
import { until } from '../../../../test/helpers/until.ts'
import { watchSockets } from './socket-bytes.ts'

/** Nothing is judged for this long: all have what they want. */
const quietMs = 3_000
const limitMs = 120_000

export interface Rejoined {
  /** Written to all sockets of all peers. */
  readonly bytes: number
  /** Certificates and reports that it verified, and its neighbours together. */
  readonly judged: number
  readonly judgedByNeighbours: number
}

export async function rejoin(size: number, neighbours: number, stack: AsyncDisposableStack): Promise<Rejoined> {
  const sockets = watchSockets()
  const mesh = await Mesh.of({ after: stop => void stack.defer(stop) })
  const large = new LargeFleet(size)
  const make = async (word: string, counter: number) => {
    const fill = (state: PeerState) => large.fill(state.database, counter)
    const peer = await mesh.start({ word, fleet: large.fleet, fill })
    peer.supervisor.stop()
    return peer
  }
  const device = await make('returning', 1)
  const others: TestPeer[] = []
  for (let each = 0; each < neighbours; each++) others.push(await make(`neighbour-${each}`, 1000))
  for (const one of others) {
    for (const other of others)
      if (one !== other && !isMember(one, other)) await one.host.dial(other.host.getMultiaddrs())
  }
  await until(() => others.every(each => each.admission.members.length === neighbours - 1), 'the neighbours')
  await sleep(quietMs)
  const counts = { device: 0, others: 0, last: performance.now() }
  const count = (peer: TestPeer, by: 'device' | 'others') => {
    const { directory } = peer
    const [report, certificate] = [directory.addReport.bind(directory), directory.addCertificate.bind(directory)]
    const judge = <A extends unknown[], R>(add: (...parts: A) => R) => {
      return (...parts: A): R => {
        counts[by]++
        counts.last = performance.now()
        return add(...parts)
      }
    }
    directory.addReport = judge(report)
    directory.addCertificate = judge(certificate)
  }
  count(device, 'device')
  for (const each of others) count(each, 'others')
  await device.directory.addReport(reportOf(device, 1))
  const before = sockets.bytes()
  await Promise.all(others.map(each => device.host.dial(each.host.getMultiaddrs())))
  const known = () => device.directory.reports().every(({ counter }) => counter === 1000 || counter === 1)
  await until(
    () => device.directory.reports().filter(({ counter }) => counter === 1000).length === size && known(),
    'all news',
    limitMs,
  )
  while (performance.now() - counts.last < quietMs) await sleep(50)
  return { bytes: sockets.bytes() - before, judged: counts.device, judgedByNeighbours: counts.others }
}
