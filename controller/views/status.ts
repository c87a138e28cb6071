/** The status of the fleet as text: a line for each device, then releases, errors and alarms. */

import type { Release } from '../../protocol/release/release.ts'
import { damageText } from '../../protocol/report/damage.ts'
import { releaseName } from '../format/release-name.ts'
import { ago, shortPath, table } from '../format/table.ts'
import type { DeviceStatus } from '../queries/device-status.ts'
import type { FleetStatus } from '../queries/status.ts'
import { rootEndText } from '../signing/root-end.ts'
import { alarmText } from './alarms.ts'
import { stateInShort } from './fetching.ts'

export function statusText({ devices, release, siteReleases, alarms, rootEnd, damaged }: FleetStatus): string {
  const damage = damageText(damaged)
  const said = [
    ...alarms.map(alarmText),
    ...(rootEnd === null ? [] : [rootEndText(rootEnd)]),
    ...(damage === undefined ? [] : [`On this machine, ${damage}`]),
  ]
  const warnings = said.length === 0 ? [] : ['', ...said]
  return [devicesText(devices, release), ...siteReleases.map(siteLine), ...warnings].join('\n')
}

function siteLine(release: Release): string {
  return `Release of its own: ${releaseName(release)}${release.message && ` (${release.message})`}`
}

const heading = ['DEVICE', 'CONFIG', 'RELEASE', 'RUNNING', 'STATE', 'LAST SEEN', 'FRESHNESS']

function devicesText(rows: readonly DeviceStatus[], release: Release | undefined): string {
  if (rows.length === 0) return 'No devices yet. Make a join token with `thymesh token`.'
  const lines = rows.map(row => [
    row.device,
    row.config ?? '-',
    row.release === null ? '-' : releaseName({ site: row.releaseSite ?? undefined, version: row.release }),
    shortPath(row.running),
    stateInShort(row),
    ago(row.lastSeen),
    row.freshness ?? '-',
  ])
  const errors = rows.flatMap(row => [
    ...(row.error === null ? [] : [`${row.device}: ${row.error.message}`, `  ${row.error.hint}`]),
    ...(row.turn === null ? [] : [`${row.device}: wave ${row.turn.wave}, ${row.turn.is}: ${row.turn.reason}`]),
    ...(row.duplicate ? [`${row.device}: more than one peer has this name (${row.peer})`] : []),
  ])
  const newest =
    release === undefined ? [] : ['', `Newest release: ${release.version}${release.message && ` (${release.message})`}`]
  return [table(heading, lines), ...newest, ...(errors.length > 0 ? ['', ...errors] : [])].join('\n')
}
