/** Bytes on all sockets of a sync between two peers that know a whole fleet: where nothing differs, and one report. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerState } from '../../../../node/state/peer-state.ts'
import { LargeFleet } from '../../../../test/helpers/large-fleet.ts'
import { connect, Mesh, type TestPeer } from '../../../../test/helpers/mesh.ts'
import { until } from '../../../../test/helpers/until.ts'
import { watchSockets } from './socket-bytes.ts'

const settleMs = 5_000
const limitMs = 120_000

/** Written to the sockets of both. */
export interface Synced {
  readonly nothing: number
  readonly oneReport: number
}

export async function oneDifference(size: number, stack: AsyncDisposableStack): Promise<Synced> {
  const sockets = watchSockets()
  const mesh = await Mesh.of({ after: stop => void stack.defer(stop) })
  const large = new LargeFleet(size)
  const make = async (word: string) => {
    const fill = (state: PeerState) => large.fill(state.database, 1000)
    // Nothing is told as news meanwhile.
    const timing = { newsMs: 86_400_000 }
    const peer = await mesh.start({ word, fleet: large.fleet, fill, timing })
    peer.supervisor.stop()
    return peer
  }
  const [one, other] = [await make('one'), await make('other')] as const
  await connect(one, other)
  const alike = (peer: TestPeer) => peer.directory.certificates().length === size + 2
  await until(() => alike(one) && alike(other), 'both to know the same', limitMs)
  await sleep(settleMs)
  const sync = async () => {
    const before = sockets.bytes()
    await one.sync.syncWith(other.host.peerId)
    await sleep(500)
    return sockets.bytes() - before
  }
  const nothing = await sync()
  const device = large.devices[Math.floor(size / 3)]
  if (device === undefined) throw new RangeError('expected devices')
  // Only one of them has heard of it.
  await one.directory.addReport(large.report(device, 1001))
  const oneReport = await sync()
  await until(() => other.directory.report(device.peer)?.document.counter === 1001, 'the report')
  return { nothing, oneReport }
}
