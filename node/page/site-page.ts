/** What the page of a device shows: its site's devices, what each runs and waits for. HTML without scripts, for any browser. */

import { visible } from '../../protocol/encoding/visible.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { Release } from '../../protocol/release/release.ts'
import { wantedConfig } from '../../protocol/release/release.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { KnownSite } from '../peer/known-site.ts'
import { inWords } from '../rollout/decision.ts'

/** Without a newer report for this long, a state is what was. */
const currentMs = 15 * 60_000
/** A clock that is so far ahead is wrong. */
const aheadMs = 5 * 60_000

export function sitePage(init: KnownSite): string {
  const { own, devices, release, connected } = init
  const rows = devices.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(device => rowOf(device, init))
  const newest =
    release === undefined
      ? 'No release has come yet.'
      : `Release ${release.version} of ${timeOf(release.created)}${release.message ? `: ${text(release.message)}` : ''}`
  const reach =
    connected.size === 0
      ? 'No other peer is in reach: this is what it knew last.'
      : `In reach: ${text([...connected].sort().join(', '))}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="15">
<title>${text(own.name)} · Thymesh</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><h1>${text(own.site ?? own.name)}</h1><p>as ${text(own.name)} sees it, ${timeOf(init.now.toISOString())}</p></header>
<p>${newest}</p>
<p>${reach}</p>
<table>
<thead><tr><th>Device</th><th>State</th><th>Runs</th><th>What it waits for</th><th>Last report</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<p class="soft">Fleet ${text(own.fleet.slice(0, 16).replace(/(.{4})(?=.)/g, '$1 '))}. This page only shows; nothing can be changed here.</p>
</body>
</html>
`
}

function rowOf({ name, peer }: Pick<Certificate, 'name' | 'peer'>, init: KnownSite): string {
  const report = init.report(peer)
  const isOwn = peer === init.own.peer
  const current = isOwn || init.connected.has(name) || isRecent(report?.at, init.now)
  const state = report === undefined ? 'not seen yet' : current ? report.state : `was ${report.state}`
  const shown = isOwn ? `<strong>${text(name)}</strong> (this device)` : text(name)
  const cells = [
    shown,
    text(state),
    report?.release ?? '–',
    text(waitsFor(name, report, init)),
    text(agoOf(report?.at, init.now)),
  ]
  const kind = report === undefined || !current ? 'old' : (tones[report.state] ?? 'busy')
  return `<tr class="${kind}">${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>`
}

const tones: Readonly<Record<string, string>> = { running: 'good', failed: 'bad', 'rolled-back': 'bad', waiting: 'old' }

function waitsFor(name: string, report: Report | undefined, { release }: KnownSite): string {
  if (report === undefined) return 'its first start in this fleet'
  if (report.error !== undefined) return report.error.message
  if (report.turn !== undefined) return report.turn.reason
  const { update, state } = report
  if (state === 'fetching' && update !== undefined && update.needed > 0) {
    const share = (update.fromControllers + update.fromNeighbours) / update.needed
    const left = update.secondsLeft === undefined ? '' : `, ${inWords(update.secondsLeft * 1000)} left`
    return `${Math.min(99, Math.floor(share * 100))}% of release ${update.release} is here${left}`
  }
  const wanted = release === undefined ? undefined : wantedConfig(release as Release, name)
  if (wanted === undefined) return release === undefined ? 'a release' : 'a release that names it'
  return state === 'running' && report.running !== wanted.topLevel ? `release ${release?.version}` : ''
}

function isRecent(at: string | undefined, now: Date): boolean {
  return at !== undefined && Math.abs(now.getTime() - Date.parse(at)) < currentMs
}

function agoOf(at: string | undefined, now: Date): string {
  if (at === undefined) return 'never'
  const age = now.getTime() - Date.parse(at)
  if (age < -aheadMs) return `its clock is ahead (${at})`
  return age < 10_000 ? 'now' : `${inWords(age)} ago`
}

function timeOf(at: string): string {
  return text(at.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ' UTC'))
}

/** Foreign text: bounded, its control characters visible, and no markup. */
function text(foreign: string): string {
  return visible(foreign, 300).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

export const siteStyle = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 24px; max-width: 960px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 16px; }
h1 { margin: 0; font-size: 24px; }
p { margin: 8px 0; }
table { width: 100%; margin: 16px 0; border-collapse: collapse; }
th, td { padding: 8px 8px 8px 0; border-bottom: 1px solid #8884; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th, .soft, .old { color: #777; }
.good td:nth-child(2) { color: #187a48; }
.bad td:nth-child(2) { color: #bd2932; font-weight: 600; }
@media (prefers-color-scheme: dark) { th, .soft, .old { color: #999; } .good td:nth-child(2) { color: #5cc98c; } .bad td:nth-child(2) { color: #ff8086; } }
@media (max-width: 560px) { thead { display: none; } tr { display: block; padding: 8px 0; border-bottom: 1px solid #8884; } td { display: block; padding: 0; border: 0; } }
`
