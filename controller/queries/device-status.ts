/** Each device's reported state beside the release's: the rows of `status` and of a deploy's progress. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { followed, releasesOf } from '../../node/state/releases.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { Release } from '../../protocol/release/release.ts'
import { wantedConfig } from '../../protocol/release/release.ts'
import { contentVersion } from '../../protocol/release/waves.ts'
import { awaitsReboot } from '../../protocol/report/awaiting-reboot.ts'
import { daemonOf } from '../../protocol/report/daemon.ts'
import {
  finalUpdateErrors,
  type Report,
  type ReportedTurn,
  standingUpdateErrors,
} from '../../protocol/report/report.ts'
import type { DeviceStatus } from '../api/schemas/status.ts'
import { hintFor } from '../format/hints.ts'
import { sortedByName } from '../format/name-order.ts'
import { lastSeenOf, type SeenSources } from '../session/last-seen.ts'
import { areSame } from './same-items.ts'

/** For a device of a newer version, whose codes are unknown here. */
const unknownCode = 'Read the log on the device: journalctl -u thymesh.'

/** What a row is made of. Without the neighbours, all devices count as not connected. */
type StatusSources = Pick<ControllerPeer, 'state'> &
  SeenSources & {
    readonly neighbours?: Pick<ControllerPeer['neighbours'], 'wayTo'>
  }

/** One row for each device that the release names or that has a certificate, by name. */
export function deviceStatuses(peer: StatusSources): DeviceStatus[] {
  return placesOf(peer).map(place => ('row' in place ? place.row : memberStatus(peer, place.member, place.duplicate)))
}

/** Where a row comes from: a member, or a release that names a device which nobody has seen. */
type RowPlace = { readonly member: Certificate; readonly duplicate: boolean } | { readonly row: DeviceStatus }

interface Roll {
  readonly accepted: unknown
  readonly certificates: readonly Certificate[]
  readonly places: readonly RowPlace[]
}

/** Who has a row, and in which order, follows from releases and certificates alone, and these change seldom. */
const rolls = new WeakMap<object, Roll>()

function placesOf({ state: { accepted }, directory }: StatusSources): readonly RowPlace[] {
  const certificates = directory.certificates()
  const known = rolls.get(directory)
  if (known !== undefined && known.accepted === accepted && areSame(known.certificates, certificates)) {
    return known.places
  }
  const members = certificates.filter(({ role }) => role === 'device')
  const holders = Map.groupBy(members, ({ name }) => name)
  const releases = releasesOf(accepted)
  const names = new Set(releases.flatMap(({ devices }) => Object.keys(devices)))
  const unseen = [...names].filter(name => !holders.has(name))
  const places = sortedByName<{ name: string; place: RowPlace }>(
    [
      ...members.map(member => ({
        name: member.name,
        place: { member, duplicate: (holders.get(member.name)?.length ?? 0) > 1 },
      })),
      ...unseen.map(name => ({ name, place: { row: deviceStatus(name, declaredIn(name, releases), undefined) } })),
    ],
    ({ name }) => name,
  ).map(({ place }) => place)
  rolls.set(directory, { accepted, certificates, places })
  return places
}

interface KnownRow {
  readonly accepted: unknown
  readonly report: Report | undefined
  readonly duplicate: boolean
  readonly row: DeviceStatus
}

/** A row follows from these alone: while they are the same it is, too. A list of a large fleet is asked for often. */
const knownRows = new WeakMap<object, KnownRow>()

/** The row of one member. `duplicate`: another peer has its name. */
export function memberStatus(
  sources: StatusSources,
  certificate: Pick<Certificate, 'name' | 'peer' | 'site'>,
  duplicate: boolean,
): DeviceStatus {
  const { name, peer, site } = certificate
  const { state, directory, neighbours } = sources
  const { accepted } = state
  const report = directory.report(peer)?.document
  const way = neighbours?.wayTo(peer) ?? null
  const known = knownRows.get(certificate)
  const isSameWay = known?.row.way?.kind === way?.kind && known?.row.way?.hub === way?.hub
  const isSame = known?.accepted === accepted && known?.report === report && known?.duplicate === duplicate
  if (known !== undefined && isSame && isSameWay) return known.row
  const release = followed(accepted, { name, site })
  const lastSeen = lastSeenOf(sources, peer)
  const row = { ...deviceStatus(name, release, report), peer, site: site ?? null, lastSeen, way, duplicate }
  knownRows.set(certificate, { accepted, report, duplicate, row })
  return row
}

/** The release of an unseen device: nobody knows its site but from who names it. */
function declaredIn(name: string, [fleet, ...sites]: readonly Release[]): Release | undefined {
  return sites.find(({ devices }) => Object.hasOwn(devices, name)) ?? fleet
}

function deviceStatus(name: string, release: Release | undefined, report: Report | undefined): DeviceStatus {
  const wanted = release && wantedConfig(release, name)
  const named = release && Object.hasOwn(release.devices, name) ? release.devices[name] : undefined
  const behind = report?.state === 'running' && wanted !== undefined && report.running !== wanted.topLevel
  const turn = wanted && report?.running !== wanted.topLevel ? turnOf(release, report) : undefined
  return {
    device: name,
    peer: null,
    site: named?.site ?? release?.site ?? null,
    tags: [...(named?.tags ?? [])],
    config: wanted?.name ?? report?.config ?? null,
    follows: release?.site ?? null,
    releaseSite: report?.site ?? null,
    release: report?.release ?? null,
    running: report?.running ?? null,
    wanted: report?.wanted ?? null,
    state: turn !== undefined ? queuedAs(report) : behind ? 'outdated' : (report?.state ?? 'unseen'),
    turn: turn ?? null,
    lastSeen: null,
    freshness: report?.freshness ?? null,
    error: report?.error === undefined ? null : withHint(report.error),
    daemon: (report && daemonOf(report)) ?? null,
    update: report?.update ?? null,
    way: null,
    duplicate: false,
  }
}

function queuedAs(report: Report | undefined): 'queued' | 'awaiting-reboot' {
  return report !== undefined && awaitsReboot(report) !== undefined ? 'awaiting-reboot' : 'queued'
}

function withHint(error: NonNullable<Report['error']>): NonNullable<DeviceStatus['error']> {
  return { ...error, hint: hintFor(error.code) ?? unknownCode }
}

/** A device's turn with this release; a report about an older one doesn't tell it. */
function turnOf(release: Release, report: Report | undefined): ReportedTurn | undefined {
  if (report?.turn === undefined || report.site !== release.site) return undefined
  return report.turn.release >= contentVersion(release) ? report.turn : undefined
}

/** Whether a device waits for a wave that failures hold: only a newer release or a promotion brings it on. */
export function isHeld({ state, turn }: Pick<DeviceStatus, 'state' | 'turn'>, release: Release): boolean {
  // A report from before it knew of this release, which may promote that one, is out of date.
  return (state === 'queued' || state === 'awaiting-reboot') && turn?.is === 'held' && turn.release === release.version
}

/** Whether a device has ended with this release: it runs what was wanted, or has failed to. */
export function hasEnded(row: DeviceStatus, release: Release): boolean {
  const wanted = wantedConfig(release, row.device)
  if (wanted === undefined) return true
  const runs =
    isOf(row, release) && row.state === 'running' && row.running === wanted.topLevel && row.release === release.version
  return runs || (hasFailed(row, release) && isFinal(row))
}

/** Whether a device says that it failed with this release: a failure of an earlier one says nothing about it. */
export function hasFailed(row: DeviceStatus, release: Release): boolean {
  return isOf(row, release) && (row.state === 'failed' || row.state === 'rolled-back') && row.wanted === release.version
}

/** Whether a device's report counts the versions of this release's kind. */
function isOf({ releaseSite }: DeviceStatus, { site }: Release): boolean {
  return releaseSite === (site ?? null)
}

/** An update that the device won't try again by itself, or in vain before a person has done something there. */
function isFinal({ error }: DeviceStatus): boolean {
  return error !== null && (finalUpdateErrors.includes(error.code) || standingUpdateErrors.includes(error.code))
}
