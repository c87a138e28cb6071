/** Messages about alerts: in Alertmanager's form for programs, and in words for people. */

import type { AlertRule } from '../../protocol/alerts/rules.ts'
import { conditionText } from '../../protocol/alerts/words.ts'
import { visible } from '../../protocol/encoding/visible.ts'
import { alertsPerMessage, namedAlerts } from './limits.ts'

/** One phase of one alert, as it is told. */
export interface Notice {
  readonly fleet: string
  readonly device: string
  readonly site: string | undefined
  readonly rule: AlertRule
  readonly peer: string
  /** Names the alert among all of its rule and device. */
  readonly since: number
  readonly ended: boolean
  /** Undefined where the device has no clock. */
  readonly beganAt: Date | undefined
  readonly endedAt: Date | undefined
  readonly value?: number | undefined
  readonly unit?: string | undefined
  readonly flaps?: boolean | undefined
  /** It began long before anybody here could know. */
  readonly late: boolean
}

/** What has happened, in one line. */
export function summaryOf(notice: Notice): string {
  const { rule, ended, late, flaps, beganAt } = notice
  const words = rule.text === undefined ? '' : ` (${rule.text})`
  const when = late && beganAt !== undefined ? `, late: it began at ${beganAt.toISOString()}` : ''
  const often = flaps === true ? ', it begins and ends again and again' : ''
  return visible(
    `${notice.device}: ${conditionText(rule.when, notice)}${ended ? ' is over' : ''}${words}${often}${when}`,
  )
}

/** Several in words: the first ones, and how many more. */
export function textOf(notices: readonly Notice[]): { title: string; body: string } {
  const [first] = notices
  const isOver = notices.every(({ ended }) => ended)
  const worst = isOver
    ? 'over'
    : (severities.find(each => notices.some(({ rule, ended }) => !ended && rule.severity === each)) ?? 'info')
  const subject = notices.length === 1 ? `${first?.device} ${first?.rule.name}` : `${notices.length} alerts`
  const more = notices.length - namedAlerts
  const lines = notices.slice(0, namedAlerts).map(summaryOf)
  return {
    title: `[${worst}] ${subject}`,
    body: [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'),
  }
}

const severities = ['critical', 'warning', 'info'] as const

function labelsOf({ rule, device, site, fleet }: Notice): Record<string, string> {
  return { alertname: rule.name, device, site: site ?? '', severity: rule.severity, fleet }
}

function annotationsOf(notice: Notice): Record<string, string> {
  return { summary: summaryOf(notice), ...(notice.late && { late: 'true' }) }
}

/** The zero of Go's clock, which Alertmanager writes for "not yet". */
const never = '0001-01-01T00:00:00Z'
const timesOf = ({ beganAt, endedAt, ended }: Notice, now: Date) => ({
  startsAt: (beganAt ?? now).toISOString(),
  endsAt: ended ? (endedAt ?? now).toISOString() : never,
})

/** The JSON that Alertmanager's webhook_config sends, version 4. */
export function webhookJson(notices: readonly Notice[], receiver: string, now: Date): object {
  const shown = notices.slice(0, alertsPerMessage)
  return {
    version: '4',
    groupKey: `thymesh/${receiver}`,
    truncatedAlerts: notices.length - shown.length,
    status: notices.every(({ ended }) => ended) ? 'resolved' : 'firing',
    receiver,
    groupLabels: {},
    commonLabels: shown.length === 1 && shown[0] ? labelsOf(shown[0]) : {},
    commonAnnotations: shown.length === 1 && shown[0] ? annotationsOf(shown[0]) : {},
    externalURL: '',
    alerts: shown.map(notice => ({
      status: notice.ended ? 'resolved' : 'firing',
      labels: labelsOf(notice),
      annotations: annotationsOf(notice),
      ...timesOf(notice, now),
      generatorURL: '',
      fingerprint: `${notice.peer.slice(-8)}${notice.since.toString(16)}`,
    })),
  }
}

/** How long an Alertmanager keeps an alert whose end nobody tells: it would end it after five minutes. */
const keptMs = 365 * 86_400_000

/** What Alertmanager's API takes at /api/v2/alerts. */
export function alertmanagerJson(notices: readonly Notice[], now: Date): object {
  return notices.slice(0, alertsPerMessage).map(notice => ({
    labels: labelsOf(notice),
    annotations: annotationsOf(notice),
    startsAt: (notice.beganAt ?? now).toISOString(),
    endsAt: (notice.ended ? (notice.endedAt ?? now) : new Date(now.getTime() + keptMs)).toISOString(),
  }))
}
