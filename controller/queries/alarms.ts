/** Alarms: what this controller has evidence of, and what devices say of others, which is their claim until then. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { forkedLogsIn } from '../../protocol/report/witnessed-log.ts'
import type { Alarm, Claimant } from '../api/schemas/status.ts'

/** The verified ones first. A report is believed about its own device only, so what it says of others verifies nothing. */
export function alarmsOf(peer: Pick<ControllerPeer, 'alarms' | 'forkedLogs' | 'directory'>): Alarm[] {
  const alarms = new Map<string, Alarm & { claimedBy: Claimant[] }>()
  const at = ({ kind, subject }: Pick<Alarm, 'kind' | 'subject'>, verified: boolean) => {
    const key = `${kind} ${subject}`
    const alarm = alarms.get(key) ?? { kind, subject, verified, claimedBy: [] }
    alarms.set(key, alarm)
    return alarm
  }
  for (const alarm of [...peer.alarms, ...peer.forkedLogs.map(aboutLog)]) at(alarm, true)
  for (const report of peer.directory.reports()) {
    const { peer: id, alarms: claims = [] } = report
    const device = peer.directory.certificate(id)?.document.name ?? id
    for (const claim of [...claims, ...forkedLogsIn(report).map(aboutLog)])
      at(claim, false).claimedBy.push({ device, peer: id })
  }
  return [...alarms.values()]
}

function aboutLog(subject: string): Pick<Alarm, 'kind' | 'subject'> {
  return { kind: 'log', subject }
}
