/** What sites have used of their uplinks' budgets today, by the reports of their devices. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { uplinkUse } from '../../node/rollout/site-uplink.ts'
import { uplinksOf } from '../../protocol/release/site-uplinks.ts'
import type { UplinkUse } from '../api/schemas/status.ts'

export function uplinkUses(
  { state, directory }: Pick<ControllerPeer, 'directory' | 'state'>,
  now = new Date(),
): UplinkUse[] {
  const uplinks = state.accepted === undefined ? {} : uplinksOf(state.accepted.release)
  return Object.entries(uplinks).flatMap(([site, uplink]) => {
    if (uplink.bytesPerDay === undefined && uplink.windows === undefined) return []
    const members = directory.certificates().filter(each => each.site === site)
    const { spent, open, opensAt } = uplinkUse(
      uplink,
      members.map(({ peer }) => directory.report(peer)?.document),
      now,
    )
    return [{ site, bytesPerDay: uplink.bytesPerDay ?? null, spent, open, opensAt: opensAt?.toISOString() ?? null }]
  })
}
