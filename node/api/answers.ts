/** The answers of a device's own API, out of what its peer knows. */

import type { Report } from '../../protocol/report/report.ts'
import { sentenceOf } from '../mesh/relay/mapped-port.ts'
import type { KnownSite } from '../peer/known-site.ts'
import type { OwnStatus, SiteDevice, SiteStatus } from './schemas.ts'

export function ownStatus(known: KnownSite): OwnStatus {
  const { own, connected } = known
  const report = known.report(own.peer)
  return {
    ...siteDevice(own, report, true),
    fleet: own.fleet,
    role: own.role,
    site: own.site ?? null,
    newest: newestOf(known),
    boots: report?.boots ?? null,
    excerpt: report?.excerpt ?? null,
    alarms: report?.alarms ?? [],
    peers: [...connected].sort(),
    portMapping: portMapping(known.port),
  }
}

function portMapping(state: KnownSite['port']): OwnStatus['portMapping'] {
  if (state === undefined || state.kind === 'off') return null
  const { reached, until } = state.kind === 'mapped' ? state : { reached: undefined, until: undefined }
  return {
    state: state.kind,
    address: reached === undefined ? null : `${reached.ip}:${reached.port}`,
    until: until === undefined ? null : new Date(until).toISOString(),
    message: sentenceOf(state),
  }
}

export function siteStatus(known: KnownSite): SiteStatus {
  const { own, devices, connected } = known
  const rows = devices.map(each => {
    return siteDevice(each, known.report(each.peer), each.peer === own.peer || connected.has(each.name))
  })
  return {
    site: own.site ?? null,
    newest: newestOf(known),
    devices: rows.sort((a, b) => (a.device < b.device ? -1 : 1)),
  }
}

function siteDevice(
  { name, peer }: KnownSite['devices'][number],
  report: Report | undefined,
  connected: boolean,
): SiteDevice {
  return {
    device: name,
    peer,
    connected,
    state: report?.state ?? 'unseen',
    config: report?.config ?? null,
    releaseSite: report?.site ?? null,
    release: report?.release ?? null,
    running: report?.running ?? null,
    wanted: report?.wanted ?? null,
    turn: report?.turn ?? null,
    update: report?.update ?? null,
    health: report?.health ?? null,
    error: report?.error ?? null,
    freshness: report?.freshness ?? null,
    lastSeen: report?.at ?? null,
  }
}

function newestOf({ release }: KnownSite): OwnStatus['newest'] {
  if (release === undefined) return null
  const { site = null, version, message, created } = release
  return { site, version, message, created }
}
