/** The data of `thymesh support`: all that this controller knows of a device, and what the device itself still tells. */

import { timeText } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { FleetAlerts } from '../api/schemas/alerts.ts'
import type { DeviceDetails } from '../api/schemas/device.ts'
import type { DeviceMetrics } from '../api/schemas/metrics.ts'
import type { ReleaseRow } from '../api/schemas/releases.ts'
import type { Why } from '../api/schemas/why.ts'
import { deviceNamed } from '../session/reach.ts'
import type { Session } from '../session/session.ts'
import { queryAlerts } from './alerts.ts'
import { queryDevice } from './device.ts'
import { queryLogs } from './logs.ts'
import { queryMetrics } from './metrics.ts'
import { queryReleases } from './releases.ts'
import { queryWhy } from './why.ts'

/** Lines of the daemon's journal, and of each unit that failed. */
const daemonLines = 500
const unitLines = 200
const mostUnits = 5
const mostReleases = 10
const daemonUnit = 'thymesh.service'

/** A part, or why there is none. */
type Part<T> = { readonly value: T } | { readonly reason: string }

export interface SupportData {
  readonly device: string
  readonly made: string
  readonly why: Part<Why>
  readonly details: Part<DeviceDetails>
  readonly releases: Part<readonly ReleaseRow[]>
  readonly alerts: Part<FleetAlerts>
  readonly metrics: Part<DeviceMetrics>
  /** By what they are of. */
  readonly logs: readonly { readonly of: string; readonly lines: Part<readonly string[]> }[]
}

/** Throws a ReachError where no device has the name; whatever else fails is said in its part. */
export async function querySupport(
  session: Session,
  { name, wait }: { name: string; wait: number },
): Promise<SupportData> {
  const { peer } = session
  const certificate = deviceNamed(peer, name)
  const health = peer.directory.report(certificate.peer)?.document.health
  const failed = (health?.units ?? []).filter(unit => unit !== daemonUnit).slice(0, mostUnits)
  const logs: { of: string; lines: Part<readonly string[]> }[] = []
  // The first one waits until the device is reached, or is known to be away.
  let left = wait
  const log = async (of: string, about: { unit?: string; lines: number; activation: boolean }) => {
    const lines = await part(async () => (await queryLogs(session, { device: name, ...about, wait: left })).lines)
    if ('reason' in lines) left = 0
    logs.push({ of, lines })
  }
  await log(daemonUnit, { unit: daemonUnit, lines: daemonLines, activation: false })
  for (const unit of failed) await log(unit, { unit, lines: unitLines, activation: false })
  await log('the last activation that failed', { lines: daemonLines, activation: true })
  return {
    device: name,
    made: timeText(new Date()),
    why: await part(() => queryWhy(session, { name })),
    details: await part(() => queryDevice(session, { name })),
    releases: await part(async () => (await queryReleases(session)).slice(0, mostReleases)),
    alerts: await part(async () => {
      const { alerts, silences, rules } = await queryAlerts(session, { all: true })
      return { alerts: alerts.filter(each => each.device === name), silences, rules }
    }),
    metrics: await part(() => queryMetrics(session, { device: name, wait: left })),
    logs,
  }
}

async function part<T>(work: () => Promise<T>): Promise<Part<T>> {
  try {
    return { value: await work() }
  } catch (thrown) {
    return { reason: messageOf(thrown) }
  }
}
