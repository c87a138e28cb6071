/** One device as text. */

import type { HistoryEntry } from '../../protocol/messages/logs.ts'
import type { DeviceDetails } from '../api/schemas/device.ts'
import { inOneLine } from '../format/one-line.ts'
import { releaseName } from '../format/release-name.ts'
import { ago, shortPath, table } from '../format/table.ts'
import { wayText } from '../format/way.ts'
import { daemonText } from './daemons.ts'
import { stateInShort } from './fetching.ts'

export function deviceText(details: DeviceDetails): string {
  const { declared, certificate, status } = details
  const facts: [string, string][] = [
    ['peer', details.peer],
    [
      'certificate',
      `${certificate.role}, ${certificate.issued} to ${certificate.expires}${certificate.byToken ? ', by a join token' : ''}`,
    ],
    ['site', declared?.site ?? certificate.site ?? '-'],
    ['config', declared?.config ?? 'the newest release does not name it'],
    ...(status?.follows ? [['follows', `the site ${status.follows}'s own releases`] as [string, string]] : []),
    ['tags', declared?.tags.join(', ') || '-'],
    ['wave', declared === null ? '-' : String(declared.wave)],
    ['release', runningText(details)],
    ...(status?.daemon ? [['daemon', daemonText(status.daemon)] as [string, string]] : []),
    ['state', stateText(details)],
    ...(status?.error ? [['next step', status.error.hint] as [string, string]] : []),
    ['health', healthText(details)],
    ['last seen', `${ago(status?.lastSeen ?? null)}${connectedText(details)}`],
    ['addresses', details.addresses.join(', ') || '-'],
  ]
  const lines = [details.device, ...facts.map(([name, value]) => `  ${name.padEnd(12)} ${value}`)]
  if (details.excerpt)
    lines.push(
      '',
      'The last activation that failed:',
      ...details.excerpt
        .trimEnd()
        .split('\n')
        .map(each => `  ${each}`),
    )
  if (details.history.length === 0) return [...lines, '', 'No history yet.'].join('\n')
  const from = details.historyFrom === 'device' ? '' : ' (as far as reports came here)'
  const rows = details.history.map(historyRow)
  return [...lines, '', `History${from}`, table(['RELEASE', 'OUTCOME', 'WHEN', 'CONFIG', 'WHY'], rows)].join('\n')
}

function connectedText({ connected, status }: DeviceDetails): string {
  if (!connected) return ''
  return status?.way ? `, connected now (${wayText(status.way)})` : ', connected now'
}

function runningText({ status }: DeviceDetails): string {
  if (!status?.release) return '-'
  const name = releaseName({ site: status.releaseSite ?? undefined, version: status.release })
  return `${name} (${shortPath(status.running)})`
}

function stateText({ status }: DeviceDetails): string {
  if (status === null) return 'unseen'
  if (status.turn !== null) return `${status.turn.is}: ${status.turn.reason}`
  const state = stateInShort(status)
  return status.error === null ? state : `${state}: ${inOneLine(status.error.message)}`
}

function healthText({ health }: DeviceDetails): string {
  if (health === null) return '-'
  const failed = [...(health.units ?? []), ...(health.probes ?? [])]
  return failed.length === 0 ? health.state : `${health.state}: ${failed.join(', ')}`
}

function historyRow({ release, site, outcome, at, config, code, message }: HistoryEntry): string[] {
  const why = code === undefined ? '' : `${code}: ${message ?? ''}`
  return [releaseName({ site, version: release }), outcome, at ?? '-', config ?? '-', why]
}
