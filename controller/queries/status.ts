/** The answer of `thymesh status`: what every device runs and how it is. */

import type { Release } from '../../protocol/release/release.ts'
import type { Session } from '../session/session.ts'
import { type RootEnd, rootEnd } from '../signing/root-end.ts'
import { type Alarm, alarmsOf } from './alarms.ts'
import { type DeviceStatus, deviceStatuses } from './device-status.ts'

export interface FleetStatus {
  readonly fleet: string
  /** The newest release of the fleet; nothing before the first one came. */
  readonly release: Release | undefined
  /** The newest releases of sites with operators of their own. */
  readonly siteReleases: readonly Release[]
  /** Names of the members that this controller is connected to. */
  readonly peers: readonly string[]
  readonly devices: readonly DeviceStatus[]
  readonly alarms: readonly Alarm[]
  /** When the root ends, from 90 days before. */
  readonly rootEnd: RootEnd | null
  /** Paths of this controller's own store that are damaged: devices ask for them here in vain. */
  readonly damaged: readonly string[]
}

export async function queryStatus({ peer }: Session): Promise<FleetStatus> {
  return {
    fleet: peer.fleet,
    release: peer.state.accepted?.release,
    siteReleases: [...(peer.state.accepted?.sites.values() ?? [])],
    peers: peer.neighbours.members.map(({ certificate }) => certificate.name),
    devices: deviceStatuses(peer),
    alarms: alarmsOf(peer),
    rootEnd: (peer.state.accepted && rootEnd(peer.state.accepted.trusted, new Date())) ?? null,
    damaged: peer.closures.damaged.all,
  }
}

/** With `--json`: of releases the versions alone. */
export function statusJson({ siteReleases, release, ...rest }: FleetStatus): object {
  const sites = Object.fromEntries(siteReleases.map(({ site = '', version }) => [site, version]))
  const { fleet, peers, devices, alarms, rootEnd, damaged } = rest
  return { fleet, release: release?.version ?? null, sites, peers, devices, alarms, rootEnd, damaged }
}
