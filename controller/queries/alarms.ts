/** Alarms: what this controller has evidence of, and what devices say of others, which is their claim until then. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { Alarm, Claimant } from '../api/schemas/status.ts'

/** The verified ones first. A report is believed about its own device only, so what it says of others verifies nothing. */
export function alarmsOf(peer: Pick<ControllerPeer, 'alarms' | 'directory'>): Alarm[] {
  const alarms = new Map<string, Alarm & { claimedBy: Claimant[] }>()
  const at = ({ kind, subject }: Pick<Alarm, 'kind' | 'subject'>, verified: boolean) => {
    const key = `${kind} ${subject}`
    const alarm = alarms.get(key) ?? { kind, subject, verified, claimedBy: [] }
    alarms.set(key, alarm)
    return alarm
  }
  for (const alarm of peer.alarms) at(alarm, true)
  for (const { peer: id, alarms: claims = [] } of peer.directory.reports()) {
    const device = peer.directory.certificate(id)?.document.name ?? id
    for (const claim of claims) at(claim, false).claimedBy.push({ device, peer: id })
  }
  return [...alarms.values()]
}
