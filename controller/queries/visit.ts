/** The answer of `thymesh visit`: who of a site is here, who has all of the newest release, and whether one may leave. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { followed, releasesOf } from '../../node/state/releases.ts'
import { HintedError } from '../../protocol/errors.ts'
import { type Release, wantedConfig } from '../../protocol/release/release.ts'
import { contentVersion } from '../../protocol/release/waves.ts'
import { speaksOf } from '../../protocol/report/outcome.ts'
import type { DeviceState, Report } from '../../protocol/report/report.ts'
import type { DeviceStatus } from '../api/schemas/status.ts'
import type { Visit, Visited } from '../api/schemas/visit.ts'
import type { Session } from '../session/session.ts'
import { deviceStatuses, hasEnded } from './device-status.ts'

/** In these states, all of the release is in the device's store. */
const fetchedStates: readonly DeviceState[] = [
  ...(['preflight', 'activating', 'testing', 'probing', 'confirming', 'held', 'committing'] as const),
]

export async function queryVisit({ peer }: Session, { site }: { site?: string | undefined }): Promise<Visit> {
  return visitOf(peer, site)
}

/** Throws a HintedError for a site that no device has. */
function visitOf(peer: Pick<ControllerPeer, 'directory' | 'state' | 'neighbours'>, site: string | undefined): Visit {
  const { accepted } = peer.state
  const here = new Set(peer.neighbours.members.map(member => member.peer))
  const all = deviceStatuses(peer).map(row => ({ row, site: siteOf(row, releasesOf(accepted)) }))
  const near = all.filter(({ row }) => row.peer !== null && here.has(row.peer))
  if (site !== undefined && !all.some(each => each.site === site)) throw unknownSite(site, all)
  const sites = site === undefined ? [...new Set(near.map(each => each.site))].sort() : [site]
  const rows = all.filter(each => sites.includes(each.site)).map(({ row }) => row)
  const devices = rows.map(row => visited(peer, row, row.peer !== null && here.has(row.peer)))
  const wanted = Map.groupBy(devices, device => `${device.follows ?? ''}/${device.config ?? ''}`)
  const open = [...wanted.values()].filter(each => each.some(({ ended }) => !ended))
  const missing = open.filter(each => !each.some(({ hasAll }) => hasAll)).map(([first]) => first?.config ?? '-')
  const complete = devices.length > 0 && open.length === 0
  return {
    sites,
    release: accepted?.release.version ?? null,
    devices,
    holders: devices.filter(({ hasAll }) => hasAll).map(({ device }) => device),
    missing,
    unseen: devices.filter(({ seen }) => !seen).map(({ device }) => device),
    // Whoever was met knows the release, and tells the others.
    mayLeave: complete || (missing.length === 0 && devices.some(({ seen }) => seen)),
    complete,
  }
}

function siteOf({ site, device }: DeviceStatus, releases: readonly Release[]): string | null {
  if (site !== null) return site
  return (
    releases.flatMap(({ devices }) => (Object.hasOwn(devices, device) ? (devices[device]?.site ?? []) : []))[0] ?? null
  )
}

function visited(
  { state, directory }: Pick<ControllerPeer, 'directory' | 'state'>,
  row: DeviceStatus,
  here: boolean,
): Visited {
  const release = followed(state.accepted, { name: row.device, site: row.site ?? undefined })
  const report = row.peer === null ? undefined : directory.report(row.peer)?.document
  const knows = release !== undefined && report !== undefined && speaksOf(report, release)
  const wanted = release && wantedConfig(release, row.device)
  const runs = wanted !== undefined && report?.running === wanted.topLevel
  return {
    ...row,
    here,
    seen: here || knows || runs,
    hasAll: runs || (knows && hasFetched(report, release)),
    ended: release === undefined || hasEnded(row, release),
  }
}

/** Whether the whole closure is in its store: it is beyond the fetch, or waits for its turn with all of it. */
function hasFetched({ state, turn, update, wanted }: Report, release: Release): boolean {
  if (fetchedStates.includes(state)) return (wanted ?? 0) >= contentVersion(release)
  if (turn === undefined || update === undefined) return false
  return update.release >= contentVersion(release) && update.paths > 0 && update.pathsDone === update.paths
}

function unknownSite(site: string, all: readonly { site: string | null }[]): HintedError {
  const known = [...new Set(all.flatMap(each => each.site ?? []))].sort()
  return new HintedError('unknown-site', `expected a site that devices have, got ${site}`, {
    hint: `Known sites: ${known.slice(0, 20).join(', ') || 'none'}.`,
  })
}
