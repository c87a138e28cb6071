/** Bytes that a peer writes to its disk for the reports of a whole fleet: the real directory and history, in real time. */

import { readFile } from 'node:fs/promises'
import type { PeerState } from '../../../../node/state/peer-state.ts'
import { LargeFleet } from '../../../../test/helpers/large-fleet.ts'
import { Mesh } from '../../../../test/helpers/mesh.ts'

export interface Written {
  /** For one report of each device. */
  readonly bytes: number
  readonly perReport: number
}

/**
 * `batch`: so many reports come while those before are unwritten: a minute of them, as the fleet sends them at rest.
 */
export async function diskWrites(size: number, batch: number, stack: AsyncDisposableStack): Promise<Written> {
  const mesh = await Mesh.of({ after: stop => void stack.defer(stop) })
  const large = new LargeFleet(size)
  const fill = (state: PeerState) => large.fill(state.database, 1)
  const peer = await mesh.start({ word: 'observer', fleet: large.fleet, fill })
  peer.supervisor.stop()
  const reports = large.devices.map(device => large.report(device, 2))
  const before = await writtenByThisProcess()
  for (const [at, report] of reports.entries()) {
    await peer.directory.addReport(report)
    if (at % batch === batch - 1) await peer.directory.flush()
  }
  await peer.directory.flush()
  const bytes = (await writtenByThisProcess()) - before
  return { bytes, perReport: bytes / size }
}

async function writtenByThisProcess(): Promise<number> {
  const text = await readFile('/proc/self/io', 'utf8')
  return Number(/^wchar: (\d+)$/m.exec(text)?.[1])
}
