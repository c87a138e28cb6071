/** What a device's daemon says, as text for who stands before it: the device in a few lines, then its site. */

import type { OwnStatus, SiteDevice, SiteStatus } from '../../node/api/schemas.ts'
import { visible } from '../../protocol/encoding/visible.ts'
import { hintFor } from '../format/hints.ts'
import { releaseName } from '../format/release-name.ts'
import { ago, shortPath, table } from '../format/table.ts'
import { stateInShort } from './fetching.ts'

export function deviceText({ own, site }: { own: OwnStatus; site: SiteStatus }): string {
  const { newest, error, turn, health, peers, freshness } = own
  const facts = [
    ['Device', own.site === null ? own.device : `${own.device} (${own.site})`],
    ['State', stateInShort(own)],
    ['Runs', own.release === null ? '-' : `${runs(own)} (${own.config ?? '-'}, ${shortPath(own.running)})`],
    ...(own.boots === null ? [] : [['Starts with', shortPath(own.boots)]]),
    ['Newest release', newest === null ? 'none has come yet' : newestText(newest)],
    ...(freshness === 'expired' ? [['Metadata', 'expired: a controller has to sign it again']] : []),
    ...(health === null
      ? []
      : [['Health', [health.state, ...(health.units ?? []), ...(health.probes ?? [])].join(' ')]]),
    ...(turn === null ? [] : [['Waits', `wave ${turn.wave}, ${turn.is}: ${turn.reason}`]]),
    ...(error === null ? [] : [['Error', error.message]]),
    ...own.alarms.map(({ kind, subject }) => ['Alarm', `${kind}: ${subject}`]),
    ['In reach', peers.length === 0 ? 'nobody: this is what it knew last' : peers.join(', ')],
  ]
  const width = Math.max(...facts.map(([name = '']) => name.length))
  const lines = facts.map(([name = '', text = '']) => `${name.padEnd(width)}  ${visible(text)}`)
  const hint = error === null ? undefined : hintFor(error.code)
  return [...lines, ...(hint === undefined ? [] : [`${' '.repeat(width)}  ${hint}`]), ...siteLines(site)].join('\n')
}

function siteLines({ site, devices }: SiteStatus): string[] {
  if (devices.length < 2) return []
  const rows = devices.map(row => [row.device, stateNow(row), runs(row), ago(row.lastSeen), row.error?.message ?? ''])
  const title = site === null ? 'Devices without a site:' : `Devices of ${site}:`
  return ['', title, table(['DEVICE', 'STATE', 'RELEASE', 'LAST SEEN', 'ERROR'], rows)]
}

/** What a device that is out of reach said last may be otherwise by now. */
function stateNow(row: SiteDevice): string {
  return row.connected || row.state === 'unseen' ? stateInShort(row) : `was ${row.state}`
}

function runs({ release, releaseSite }: SiteDevice): string {
  return release === null ? '-' : releaseName({ site: releaseSite ?? undefined, version: release })
}

function newestText({ site, version, message }: NonNullable<OwnStatus['newest']>): string {
  return `${releaseName({ site: site ?? undefined, version })}${message && ` (${message})`}`
}
