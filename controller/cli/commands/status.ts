/** `thymesh status`: what every device runs and how it is. */

import type { Release } from '../../../protocol/release/release.ts'
import { releaseName } from '../../format/release-name.ts'
import { ago, shortPath, table } from '../../format/table.ts'
import { type DeviceView, viewFleet } from '../../queries/device-status.ts'
import { alarmsOf } from '../../queries/members.ts'
import { stateInShort } from '../../views/fetching.ts'
import type { ProjectOptions } from '../shell/options.ts'
import type { Query } from '../shell/questions.ts'
import { show } from '../shell/reader.ts'

export interface StatusOptions extends ProjectOptions {
  wait: number
}

export async function status(options: StatusOptions): Promise<undefined> {
  return await show('status', options, {})
}

export const statusQuery: Query<object> = async ({ peer }) => {
  const rows = viewFleet(peer)
  const release = peer.state.belief?.release
  const sites = [...(peer.state.belief?.sites.values() ?? [])]
  const alarms = alarmsOf(peer)
  const warnings = alarms.length === 0 ? [] : ['', ...alarms.map(({ kind, subject }) => alarmText[kind](subject))]
  const peers = peer.admission.members.map(({ certificate }) => certificate.name)
  return {
    json: {
      fleet: peer.fleet,
      release: release?.version ?? null,
      sites: Object.fromEntries(sites.map(({ site = '', version }) => [site, version])),
      peers,
      devices: rows,
      alarms,
    },
    text: [statusText(rows, release), ...sites.map(siteLine), ...warnings].join('\n'),
  }
}

const alarmText = {
  clone: (subject: string) => `ALARM: two devices have the key of ${subject}. See \`thymesh members\`.`,
  equivocation: (subject: string) =>
    `ALARM: two different documents are signed as ${subject}: updates are held. Find out who signed the second one.`,
} as const

function siteLine(release: Release): string {
  return `Release of its own: ${releaseName(release)}${release.message && ` (${release.message})`}`
}

const heading = ['DEVICE', 'CONFIG', 'RELEASE', 'RUNNING', 'STATE', 'LAST SEEN', 'FRESHNESS']

function statusText(rows: DeviceView[], release: { version: number; message: string } | undefined): string {
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
    ...(row.error === null ? [] : [`${row.device}: ${row.error.message}`]),
    ...(row.turn === null ? [] : [`${row.device}: wave ${row.turn.wave}, ${row.turn.is}: ${row.turn.reason}`]),
    ...(row.duplicate ? [`${row.device}: more than one peer has this name (${row.peer})`] : []),
  ])
  const newest =
    release === undefined ? [] : ['', `Newest release: ${release.version}${release.message && ` (${release.message})`}`]
  return [table(heading, lines), ...newest, ...(errors.length > 0 ? ['', ...errors] : [])].join('\n')
}
