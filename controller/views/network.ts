/** Connections of a peer and the checks of its network as text. */

import type { NetChecks, PeersView } from '../../node/mesh/relay/network-view.ts'
import { inOneLine } from '../format/one-line.ts'
import { ago, size, table } from '../format/table.ts'
import { wayText } from '../format/way.ts'

const heading = ['PEER', 'ROLE', 'SITE', 'WAY', 'ROUND TRIP', 'RECEIVED', 'SENT', 'SINCE', 'ADDRESS', 'VERSION']

export function peersText({ self, connections }: PeersView): string {
  if (connections.length === 0) {
    return `${inOneLine(self)} has no connection to another member. \`thymesh netcheck\` looks for the reason.`
  }
  const rows = connections.map(each => [
    each.name,
    each.role,
    each.site ?? '-',
    wayText(each.way),
    each.roundTripMs === null ? '-' : `${Math.max(1, Math.round(each.roundTripMs))} ms`,
    size(each.received),
    size(each.sent),
    ago(each.since),
    each.way.kind === 'relayed' ? '-' : each.address,
    each.agent ?? '-',
  ])
  return table(heading, rows)
}

const marks = new Map<string, string>([
  ['good', 'ok'],
  ['none', '-'],
  ['bad', 'WRONG'],
])

export function networkText({ self, checks }: NetChecks): string {
  const rows = checks.flatMap(({ check, result, message, hint }) => [
    [check, marks.get(result) ?? '?', message],
    ...(hint === null ? [] : [['', '', hint]]),
  ])
  return table([`CHECK OF ${inOneLine(self)}`, 'STATE', 'FOUND'], rows)
}
