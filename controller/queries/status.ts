/** The answer of `thymesh status`: what every device runs and how it is. */

import { releasesOf } from '../../node/state/releases.ts'
import type { FleetStatus } from '../api/schemas/status.ts'
import type { Session } from '../session/session.ts'
import { rootEnd } from '../signing/root-end.ts'
import { alarmsOf } from './alarms.ts'
import { deviceStatuses } from './device-status.ts'
import { uplinkUses } from './uplinks.ts'

export async function queryStatus({ peer }: Pick<Session, 'peer'>): Promise<FleetStatus> {
  const { accepted } = peer.state
  const sites = [...(accepted?.sites.values() ?? [])].map(({ site = '', version }) => [site, version] as const)
  const newest = releasesOf(accepted).map(({ site = null, version, message }) => ({ site, version, message }))
  return {
    fleet: peer.fleet,
    release: accepted?.release.version ?? null,
    sites: Object.fromEntries(sites),
    newest,
    peers: peer.neighbours.members.map(({ certificate }) => certificate.name),
    devices: deviceStatuses(peer),
    uplinks: uplinkUses(peer),
    alarms: alarmsOf(peer),
    rootEnd: (accepted && rootEnd(accepted.trusted, new Date())) ?? null,
    damaged: [...peer.closures.damaged.all],
  }
}
