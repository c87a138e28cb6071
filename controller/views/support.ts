/** What somebody who helps reads of a device: parts under titles, without secrets and addresses. */

import { visibleFields } from '../../protocol/encoding/visible.ts'
import type { Support } from '../api/schemas/support.ts'
import { redact } from '../format/redact.ts'
import type { SupportData } from '../queries/support.ts'
import { alertsText } from './alerts.ts'
import { deviceText } from './device.ts'
import { logsText } from './logs.ts'
import { metricsText } from './metrics.ts'
import { releasesText } from './releases.ts'
import { whyText } from './why.ts'

/** In no text: control characters are shown as their escapes. */
const between = '\n\0\n'

/** `version`: of this program, which a helper has to know first. */
export function supportOf(data: SupportData, version: string): Support {
  const { device, made } = data
  const missing: { part: string; reason: string }[] = []
  const section = <T>(title: string, part: { value: T } | { reason: string }, text: (value: T) => string) => {
    if ('reason' in part) missing.push({ part: title, reason: visibleFields(part.reason) })
    // The texts of devices can't steer the terminal that this is read on.
    const said = 'value' in part ? text(visibleFields(part.value)) : `(not there: ${visibleFields(part.reason)})`
    return `== ${title}\n\n${said.trimEnd() || '(nothing)'}\n`
  }
  const parts = [
    section('Why', data.why, whyText),
    section('The device', data.details, deviceText),
    section('Releases', data.releases, releases => releasesText({ releases: [...releases] })),
    section('Alerts', data.alerts, alertsText),
    section('Metrics of the last day', data.metrics, each => metricsText(each)),
    ...data.logs.map(({ of, lines }) => section(`Log of ${of}`, lines, each => logsText({ lines: [...each] }))),
  ]
  const head = `Thymesh ${version} on ${process.platform}-${process.arch}, Node ${process.version}\nThe device ${device}, as of ${made}\n`
  // With the reasons, so that the same address has the same number there.
  const { text, leftOut } = redact([[head, ...parts].join('\n'), ...missing.map(({ reason }) => reason)].join(between))
  const [shown = '', ...reasons] = text.split(between)
  const lacking = missing.map(({ part }, at) => ({ part, reason: reasons[at] ?? '<secret>' }))
  return { device, made, text: shown, leftOut, missing: lacking }
}

/** What a person is told beside the text itself. */
export function supportSummary({ text, leftOut, missing }: Support): string {
  const { addresses, secrets, persons } = leftOut
  const parts = missing.map(({ part, reason }) => `  without "${part}": ${reason}`)
  return [
    `${text.split('\n').length} lines. Left out: ${addresses} addresses, ${secrets} secrets, ${persons} e-mail addresses.`,
    ...parts,
    'Names of devices, sites and units are in it. Read it before you give it away: not every secret looks like one.',
  ].join('\n')
}
