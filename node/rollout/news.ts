/** The news of a release's devices, from the reports of a fleet. Devices and views decide on waves by them. */

import type { Member } from '../../protocol/members/certificate.ts'
import { mayName } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ReportGist } from '../../protocol/report/gist.ts'
import { isFinalFailure, type Outcome, outcomeOf } from '../../protocol/report/outcome.ts'
import type { DeviceStatus } from './evaluate-waves.ts'

/**
 * The news of a release's devices, by name. A name belongs to the peer that the members role has signed it for; where a
 * join token alone vouches for it, it counts for one member only. So whoever has a token can neither open nor hold a wave by
 * taking a name. Of two whom the members role has signed, the less good news counts.
 */
export function newsOf(
  release: Release,
  members: readonly Member[],
  known: (peer: string) => { report: ReportGist | undefined; heardAt?: number },
): Map<string, DeviceStatus> {
  const named = members.filter(
    member =>
      member.role === 'device' &&
      (Object.hasOwn(release.devices, member.name) || mayHold(release, member, known)) &&
      (release.site === undefined || release.site === member.site),
  )
  const holders = Map.groupBy(named, ({ name }) => name)
  const news = new Map<string, DeviceStatus>()
  for (const [name, all] of holders) {
    const signed = all.filter(({ grant }) => grant === undefined)
    const counted = signed.length > 0 ? signed : all.length === 1 ? all : []
    for (const { peer } of counted) {
      const { report, heardAt } = known(peer)
      const outcome: Outcome = outcomeOf(report, release, name)
      const other = news.get(name)
      if (other !== undefined && outcomes.indexOf(other.outcome) <= outcomes.indexOf(outcome)) continue
      news.set(name, {
        outcome,
        ...(report?.since !== undefined && { since: new Date(report.since) }),
        ...(report?.at !== undefined && { at: new Date(report.at) }),
        ...(heardAt !== undefined && { heardAt }),
      })
    }
  }
  return news
}

/**
 * Whether the failure of a device counts whose shard isn't here. The members role must have signed for it: else whoever has a
 * token could hold a wave by a name that the release may have.
 */
function mayHold(
  release: Release,
  { name, peer, grant }: Member,
  known: (peer: string) => { report: ReportGist | undefined },
): boolean {
  if (release.sharded === undefined || grant !== undefined) return false
  const { report } = known(peer)
  return report !== undefined && isFinalFailure(report) && mayName(release, name)
}

/** The worst first. */
const outcomes: readonly Outcome[] = ['failed', 'pending', 'confirmed']
