/** The answer of `thymesh alerts`: from the reports of all devices, and absences as this controller sees them. */

import { sendingControllers } from '../../node/alerts/sending-controllers.ts'
import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { followed } from '../../node/state/releases.ts'
import {
  alertsIn,
  markOf,
  marksIn,
  type ReportedAlert,
  type Silence,
  silencesIn,
} from '../../protocol/alerts/reported.ts'
import { type AlertRule, alertsOf, rulesFor, spanSeconds } from '../../protocol/alerts/rules.ts'
import { conditionText } from '../../protocol/alerts/words.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { FleetAlert, FleetAlerts } from '../api/schemas/alerts.ts'
import { byName } from '../format/name-order.ts'
import type { Session } from '../session/session.ts'

type Parts = Pick<ControllerPeer, 'directory' | 'state' | 'neighbours'>
interface Known {
  /** The names of devices and controllers that have sent it, by mark. */
  readonly told: ReadonlyMap<string, string>
  readonly silences: readonly (Silence & { readonly keptBy: string })[]
}

const severities = ['critical', 'warning', 'info'] as const

export async function queryAlerts({ peer }: Pick<Session, 'peer'>, { all }: { all: boolean }): Promise<FleetAlerts> {
  const devices = peer.directory.certificates().filter(({ role }) => role === 'device')
  const known = knownOf(peer, [...devices, ...sendingControllers(peer.directory, new Date())])
  const now = Date.now()
  const connected = new Set(peer.neighbours.members.map(({ peer }) => peer))
  const found = devices.flatMap(device => [
    ...reportedOf(peer, device, known),
    ...(connected.has(device.peer) ? [] : absenceOf(peer, device, known, now)),
  ])
  const alerts = found.filter(({ state }) => all || state === 'firing').sort(inOrder)
  return {
    alerts,
    silences: silencesOf(known.silences, now),
    rules: alertsOf(peer.state.accepted?.release).rules.length,
  }
}

function knownOf({ directory }: Parts, senders: readonly Pick<Certificate, 'peer' | 'name'>[]): Known {
  const told = new Map<string, string>()
  const silences: (Silence & { keptBy: string })[] = []
  for (const { peer, name } of senders) {
    const report = directory.report(peer)?.document
    if (report === undefined) continue
    for (const mark of marksIn(report)) told.set(mark, name)
    for (const silence of silencesIn(report)) silences.push({ ...silence, keptBy: name })
  }
  return { told, silences }
}

function reportedOf(peer: Parts, device: Certificate, known: Known): FleetAlert[] {
  const report = peer.directory.report(device.peer)?.document
  if (report === undefined) return []
  const rules = new Map(rulesFor(followed(peer.state.accepted, device), device.name).map(rule => [rule.name, rule]))
  return alertsIn(report).flatMap(alert => {
    const rule = rules.get(alert.rule)
    return rule === undefined ? [] : [row(device, rule, alert, known)]
  })
}

function row(device: Certificate, rule: AlertRule, alert: ReportedAlert, known: Known): FleetAlert {
  const { since, until, value, unit, flaps } = alert
  const text = conditionText(rule.when, { value, unit })
  return {
    ...{ device: device.name, peer: device.peer, site: device.site ?? null, rule: rule.name, severity: rule.severity },
    state: until === undefined ? 'firing' : 'ended',
    id: since,
    since: timeText(new Date(since * 1000)),
    until: until === undefined ? null : timeText(new Date(until * 1000)),
    summary: `${text}${rule.text === undefined ? '' : ` (${rule.text})`}${flaps ? ', again and again' : ''}`,
    told: toldOf({ peer: device.peer, rule: rule.name, since, ended: until !== undefined }, rule, known),
    ...silencersOf(known, device.name, rule.name, since),
  }
}

/** A device that is not connected, and that this controller has not heard of for as long as a rule says. */
function absenceOf(peer: Parts, device: Certificate, known: Known, now: number): FleetAlert[] {
  const report = peer.directory.report(device.peer)?.document
  const at = report?.at === undefined ? Number.NaN : Date.parse(report.at)
  if (Number.isNaN(at)) return []
  const rules = rulesFor(followed(peer.state.accepted, device), device.name)
  return rules.flatMap(rule => {
    if (!('absent' in rule.when) || now - at < spanSeconds(rule.when.absent) * 1000) return []
    const { name } = rule
    const ended = false
    return [
      {
        ...{ device: device.name, peer: device.peer, site: device.site ?? null, rule: name, severity: rule.severity },
        ...{ state: 'firing' as const, id: null, since: report?.at ?? null, until: null },
        summary: `${conditionText(rule.when)}${rule.text === undefined ? '' : ` (${rule.text})`}`,
        told: toldOf({ peer: device.peer, rule: name, since: report?.counter ?? 0, ended }, rule, known),
        ...silencersOf(known, device.name, name, undefined),
      },
    ]
  })
}

function toldOf(alert: Parameters<typeof markOf>[0], rule: AlertRule, { told }: Known): FleetAlert['told'] {
  return rule.notify.flatMap(channel => {
    const by = told.get(markOf(alert, channel))
    return by === undefined ? [] : [{ channel, by }]
  })
}

function silencersOf(
  { silences }: Known,
  device: string,
  rule: string,
  since: number | undefined,
): Pick<FleetAlert, 'silencedBy' | 'acknowledgedBy'> {
  const fitting = silences.filter(
    each => each.until * 1000 > Date.now() && (each.rule ?? rule) === rule && (each.device ?? device) === device,
  )
  return {
    silencedBy: fitting.find(each => each.since === undefined)?.by ?? null,
    acknowledgedBy: fitting.find(each => each.since !== undefined && each.since === since)?.by ?? null,
  }
}

/** One row for what several devices keep. */
function silencesOf(silences: Known['silences'], now: number): FleetAlerts['silences'] {
  const lasting = silences.filter(({ until, since }) => until * 1000 > now && since === undefined)
  return [...Map.groupBy(lasting, ({ rule, device, by }) => `${rule} ${device} ${by}`).values()].map(same => ({
    rule: same[0]?.rule ?? null,
    device: same[0]?.device ?? null,
    until: timeText(new Date(Math.max(...same.map(({ until }) => until)) * 1000)),
    by: same[0]?.by ?? '',
    keptBy: same.map(({ keptBy }) => keptBy).sort(),
  }))
}

function inOrder(a: FleetAlert, b: FleetAlert): number {
  const rank = ({ state, severity }: FleetAlert) => (state === 'firing' ? 0 : 10) + severities.indexOf(severity)
  const [from, to] = [a.since ?? '', b.since ?? '']
  return rank(a) - rank(b) || (from < to ? 1 : from > to ? -1 : 0) || byName(a.device, b.device)
}
