/** The whole fleet as metrics for Prometheus: what the reports say, as long as it is no older than a report may be. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { followed } from '../../node/state/releases.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { exposition, type Family, type Labels, sampleFamilies } from '../../protocol/metrics/exposition.ts'
import { reportFamilies } from '../../protocol/metrics/report-families.ts'
import { reportedMetrics } from '../../protocol/metrics/reported.ts'
import { wantedConfig } from '../../protocol/release/release.ts'
import type { Report } from '../../protocol/report/report.ts'

/** An unchanged report is repeated after six hours at the latest: three times that. */
const stateSeconds = 3 * 6 * 3600
/** Measurements change without a report: three of its shortest intervals. */
const measuredSeconds = 3 * 10 * 60

type Parts = Pick<ControllerPeer, 'directory' | 'state' | 'neighbours' | 'alarms' | 'forkedLogs'>

/** Prometheus' text format. What is stale is left out, and never repeated as if it were of now. */
export function fleetExposition(peer: Parts, now = Date.now()): string {
  const devices = peer.directory.certificates().filter(({ role }) => role === 'device')
  return exposition([...fleetFamilies(peer), ...devices.flatMap(device => deviceFamilies(peer, device, now))])
}

function fleetFamilies({ state, neighbours, alarms, forkedLogs }: Parts): Family[] {
  const { accepted } = state
  const values: [string, string, number | undefined][] = [
    ['thymesh_fleet_release', 'The newest release of the fleet', accepted?.release.version],
    ['thymesh_fleet_neighbours', 'Members that this controller is connected to', neighbours.members.length],
    ['thymesh_fleet_alarms', 'Contradictions that this controller has seen', alarms.length + forkedLogs.length],
    [
      'thymesh_fleet_root_expiry_timestamp_seconds',
      'When the root of the fleet ends',
      accepted && secondsOf(accepted.trusted.root.signed.expires),
    ],
  ]
  return values.flatMap(([name, help, value]) =>
    value === undefined ? [] : [{ name, help, type: 'gauge', values: [[{}, value]] }],
  )
}

function deviceFamilies({ directory, state, neighbours }: Parts, device: Certificate, now: number): Family[] {
  const { name, site, peer, expires } = device
  const labels: Labels = { device: name, site: site ?? '' }
  const report = directory.report(peer)?.document
  const release = followed(state.accepted, device)
  const wanted = release && wantedConfig(release, name)?.topLevel
  const gauge = (metric: string, help: string, value: number): Family => ({
    ...{ name: metric, help, type: 'gauge' },
    values: [[labels, value]],
  })
  const connected = neighbours.members.some(each => each.peer === peer)
  const age = ageOf(report, now)
  return [
    gauge('thymesh_device_connected', 'Whether this controller is connected to the device', connected ? 1 : 0),
    gauge('thymesh_device_certificate_expiry_timestamp_seconds', 'When its certificate ends', secondsOf(expires)),
    ...(report?.at === undefined
      ? []
      : [gauge('thymesh_device_report_timestamp_seconds', 'When it wrote its last report', secondsOf(report.at))]),
    ...(report === undefined || age > stateSeconds
      ? []
      : [
          ...reportFamilies(report, labels),
          ...(wanted === undefined
            ? []
            : [
                gauge(
                  'thymesh_device_up_to_date',
                  'Whether it runs what its release wants',
                  report.running === wanted ? 1 : 0,
                ),
              ]),
        ]),
    ...(report === undefined || age > measuredSeconds ? [] : sampleFamilies(reportedMetrics(report), labels)),
  ]
}

/** In seconds; a report without a time, or of the future, has none that counts. */
function ageOf(report: Report | undefined, now: number): number {
  if (report?.at === undefined) return Number.POSITIVE_INFINITY
  const age = (now - Date.parse(report.at)) / 1000
  return age < -measuredSeconds ? Number.POSITIVE_INFINITY : age
}

function secondsOf(time: string): number {
  return Date.parse(time) / 1000
}
