/** Alerts of the fleet as text. */

import type { FleetAlert, FleetAlerts } from '../api/schemas/alerts.ts'
import { ago, table } from '../format/table.ts'

export function alertsText({ alerts, silences, rules }: FleetAlerts): string {
  const quiet =
    rules === 0
      ? 'The newest release has no rules: write alerts.json, and deploy it.'
      : `No alerts; ${rules === 1 ? '1 rule is' : `${rules} rules are`} looked at.`
  const rows = alerts.map(each => [
    each.state === 'firing' ? each.severity.toUpperCase() : 'ended',
    each.device,
    each.rule,
    ago(each.state === 'firing' ? each.since : each.until),
    stateText(each),
    each.summary,
  ])
  const shown = alerts.length === 0 ? quiet : table(['', 'DEVICE', 'RULE', 'SINCE', 'TOLD', 'WHAT'], rows)
  const kept = silences.map(
    ({ rule, device, until, by, keptBy }) =>
      `Silent until ${until} about ${rule ?? 'all rules'} on ${device ?? 'all devices'}, by ${by} (kept by ${keptBy.length}).`,
  )
  return [shown, ...(kept.length > 0 ? ['', ...kept] : [])].join('\n')
}

function stateText({ told, silencedBy, acknowledgedBy }: FleetAlert): string {
  if (acknowledgedBy !== null) return `acknowledged by ${acknowledgedBy}`
  if (silencedBy !== null) return `silenced by ${silencedBy}`
  return told.length === 0 ? '-' : told.map(({ channel, by }) => `${channel} by ${by}`).join(', ')
}
