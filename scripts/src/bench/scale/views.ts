/** Processor time of what `status`, `deploy` and a waiting device work out from the reports of a whole fleet. */

import { deviceStatuses } from '../../../../controller/queries/device-status.ts'
import { memberRows } from '../../../../controller/queries/members.ts'
import { progressOf } from '../../../../controller/queries/progress.ts'
import { waveStatuses } from '../../../../controller/queries/waves.ts'
import type { ControllerPeer } from '../../../../node/peer/controller-peer.ts'
import { readCertificate } from '../../../../protocol/members/certificate.ts'
import { verifyReport } from '../../../../protocol/report/report.ts'
import { LargeFleet } from '../../../../test/helpers/large-fleet.ts'

export type ViewTimes = Readonly<Record<'devices' | 'rollout' | 'waves' | 'members', number>>

/** Milliseconds of each, of the second of two calls: the first one also compiles. */
export function viewTimes(size: number): ViewTimes {
  const large = new LargeFleet(size)
  const { release } = large.fleet.published
  const certificates = large.devices.map(({ certificate }) => readCertificate(certificate))
  const reports = new Map(
    large.devices.map(device => [device.peer, verifyReport(large.report(device, 1), large.fleet.fleet)]),
  )
  const peer = {
    state: { accepted: { release, sites: new Map() } },
    directory: {
      certificates: () => [...certificates],
      certificate: () => undefined,
      reports: () => [...reports.values()],
      report: (id: string) => ({ document: reports.get(id) }),
    },
    neighbours: { members: [], wayTo: () => undefined },
    alarms: [],
    forkedLogs: [],
    closures: { damaged: { all: [] } },
  } as unknown as ControllerPeer
  return {
    devices: spent(() => deviceStatuses(peer)),
    rollout: spent(() => progressOf(peer, release)),
    waves: spent(() => waveStatuses(peer, release)),
    members: spent(() => memberRows(peer, [], new Date())),
  }
}

function spent(work: () => void): number {
  work()
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
