/** The answer of `thymesh status --risk`: of each device what is about to fail, by its report, certificate and history. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { reportedMetrics } from '../../protocol/metrics/reported.ts'
import type { DeviceRisks, FleetRisks, Risk } from '../api/schemas/risks.ts'
import type { DeviceStatus } from '../api/schemas/status.ts'
import { sortedByName } from '../format/name-order.ts'
import type { Session } from '../session/session.ts'
import { deviceStatuses } from './device-status.ts'
import { type Trend, trendsOf } from './trends.ts'

const dayMs = 86_400_000

/** From where on it is a warning, and critical. Percent, degrees, times a week, days. */
const bounds = {
  disk: { warning: 85, critical: 95 },
  diskFullDays: { warning: 30, critical: 7 },
  wear: { warning: 70, critical: 90 },
  temperature: { warning: 75, critical: 85 },
  restarts: { warning: 3, critical: 10 },
  // A device renews with a third of its time left: what comes so near has met no controller for long.
  certificateDays: { warning: 21, critical: 7 },
  silentDays: { warning: 1, critical: 7 },
}

export async function queryRisks({ peer }: Pick<Session, 'peer'>): Promise<FleetRisks> {
  const rows = deviceStatuses(peer)
  const connected = rows.flatMap(row => (row.peer !== null && row.way !== null ? [row.peer] : []))
  const ask = (...about: Parameters<typeof peer.neighbours.askForMetrics>) => peer.neighbours.askForMetrics(...about)
  const trends = await trendsOf(connected, ask)
  const now = Date.now()
  return { devices: byUrgency(rows.map(row => risksOf(row, factsOf(peer, row, trends), now))) }
}

interface RiskFacts {
  readonly sample: ReturnType<typeof reportedMetrics>
  readonly expires: string | undefined
  readonly trend: Trend | undefined
}

function factsOf(peer: Pick<ControllerPeer, 'directory'>, row: DeviceStatus, trends: Map<string, Trend>): RiskFacts {
  const report = row.peer === null ? undefined : peer.directory.report(row.peer)?.document
  return {
    sample: report === undefined ? {} : reportedMetrics(report),
    expires: row.peer === null ? undefined : peer.directory.certificate(row.peer)?.document.expires,
    trend: row.peer === null ? undefined : trends.get(row.peer),
  }
}

/** One device's risks, the most urgent first. */
export function risksOf(row: DeviceStatus, { sample, expires, trend }: RiskFacts, now: number): DeviceRisks {
  const { device, peer, site, tags, config, state, lastSeen } = row
  const certificateDays = expires === undefined ? null : Math.max(0, Math.floor((Date.parse(expires) - now) / dayMs))
  const silentDays = lastSeen === null || row.way !== null ? 0 : (now - Date.parse(lastSeen)) / dayMs
  const { diskFullDays = null, restarts = null } = trend ?? {}
  const { disk = null, wear = null, temperature = null } = sample
  const risks = [
    below('certificate', certificateDays, days =>
      days === 0 ? 'its certificate ends today, or has ended' : `its certificate ends in ${days} days`,
    ),
    disk !== null && diskFullDays !== null
      ? below('disk', diskFullDays, days => `its disk is full in ${days} days, now ${disk} %`, bounds.diskFullDays)
      : undefined,
    above('disk', disk, value => `its disk is ${value} % full`, bounds.disk),
    above('wear', wear, value => `${value} % of the life of its flash memory is used`, bounds.wear),
    above('temperature', temperature, value => `${value} °C`, bounds.temperature),
    sample['under-voltage'] === 1 ? risk('under-voltage', 'warning', 'its supply is too weak', 0) : undefined,
    above('restarts', restarts, times => `restarted ${times} times in a week`, bounds.restarts),
    (sample['failed-units'] ?? 0) > 0
      ? risk('failed-units', 'warning', `${sample['failed-units']} failed units`, 0)
      : undefined,
    above('silent', silentDays, days => `no report for ${Math.floor(days)} days`, bounds.silentDays),
    state === 'failed' || state === 'rolled-back'
      ? risk('update', 'warning', `its last update: ${state}`, 0)
      : undefined,
  ]
  return {
    ...{ device, peer, site, tags, config, state, lastSeen, disk, wear, temperature },
    ...{ hasHistory: trend !== undefined, restarts, diskFullDays, certificateDays },
    risks: onePerKind(risks.filter(each => each !== undefined)),
  }
}

function risk(kind: Risk['kind'], severity: Risk['severity'], text: string, daysLeft: number | null): Risk {
  return { kind, severity, text, daysLeft }
}

interface Bounds {
  readonly warning: number
  readonly critical: number
}

function above(
  kind: Risk['kind'],
  value: number | null,
  text: (value: number) => string,
  at: Bounds,
): Risk | undefined {
  if (value === null || !(value >= at.warning)) return undefined
  // How long worn flash or a hot board lasts is not known.
  const daysLeft = kind === 'wear' || kind === 'temperature' || kind === 'restarts' ? null : 0
  return risk(kind, value >= at.critical ? 'critical' : 'warning', text(value), daysLeft)
}

function below(
  kind: Risk['kind'],
  days: number | null,
  text: (days: number) => string,
  at: Bounds = bounds.certificateDays,
): Risk | undefined {
  if (days === null || days > at.warning) return undefined
  return risk(kind, days <= at.critical ? 'critical' : 'warning', text(days), days)
}

/** The most urgent of each kind, the most urgent first. */
function onePerKind(risks: readonly Risk[]): Risk[] {
  const sorted = [...risks].sort(urgency)
  return sorted.filter((each, at) => sorted.findIndex(({ kind }) => kind === each.kind) === at)
}

/** Critical ones first, then those with fewer days left; those without a time last. */
function urgency(one: Risk, other: Risk): number {
  if (one.severity !== other.severity) return one.severity === 'critical' ? -1 : 1
  return (one.daysLeft ?? Number.MAX_SAFE_INTEGER) - (other.daysLeft ?? Number.MAX_SAFE_INTEGER)
}

/** The device with the most urgent risk first; of equal ones that with more of them, then by name. */
export function byUrgency(devices: readonly DeviceRisks[]): DeviceRisks[] {
  return sortedByName(devices, ({ device }) => device).sort((one, other) => {
    const [first, second] = [one.risks[0], other.risks[0]]
    if (first === undefined || second === undefined) return Number(first === undefined) - Number(second === undefined)
    return urgency(first, second) || other.risks.length - one.risks.length
  })
}
