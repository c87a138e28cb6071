/** The status of the fleet as text: a line for each device, then releases, errors and alarms. */

import { damageText } from '../../protocol/report/damage.ts'
import type { DeviceStatus, FleetStatus } from '../api/schemas/status.ts'
import { releaseName } from '../format/release-name.ts'
import { ago, shortPath, table } from '../format/table.ts'
import { wayText } from '../format/way.ts'
import { rootEndText } from '../signing/root-end.ts'
import { alarmText } from './alarms.ts'
import { daemonsText } from './daemons.ts'
import { stateInShort } from './fetching.ts'
import { uplinkText } from './uplinks.ts'

export function statusText({ devices, newest, uplinks, alarms, rootEnd, damaged }: FleetStatus): string {
  const damage = damageText(damaged)
  const said = [
    ...uplinks.map(uplinkText),
    ...alarms.map(alarmText),
    ...(rootEnd === null ? [] : [rootEndText(rootEnd)]),
    ...(damage === undefined ? [] : [`On this machine, ${damage}`]),
  ]
  const warnings = said.length === 0 ? [] : ['', ...said]
  const ofFleet = newest.find(({ site }) => site === null)
  const ofSites = newest.filter(({ site }) => site !== null)
  return [devicesText(devices, ofFleet), ...ofSites.map(siteLine), ...daemonsText(devices), ...warnings].join('\n')
}

type Newest = FleetStatus['newest'][number]

function siteLine({ site, version, message }: Newest): string {
  return `Release of its own: ${releaseName({ site: site ?? undefined, version })}${message && ` (${message})`}`
}

const heading = ['DEVICE', 'CONFIG', 'RELEASE', 'RUNNING', 'STATE', 'LAST SEEN', 'FRESHNESS']

function devicesText(rows: readonly DeviceStatus[], release: Newest | undefined): string {
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
    ...(row.way?.kind === 'relayed' ? [`${row.device}: connected ${wayText(row.way)}`] : []),
    ...(row.duplicate ? [`${row.device}: more than one peer has this name (${row.peer})`] : []),
  ])
  const newest =
    release === undefined ? [] : ['', `Newest release: ${release.version}${release.message && ` (${release.message})`}`]
  return [table(heading, lines), ...newest, ...(errors.length > 0 ? ['', ...errors] : [])].join('\n')
}
