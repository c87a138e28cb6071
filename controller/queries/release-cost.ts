/** What a release still costs each site: chunks that no device of it has, and the time that they take at its uplink. */

import type { ReleaseCost } from '../api/schemas/releases.ts'
import { sitePlans } from '../release/site-plan.ts'
import type { Session } from '../session/session.ts'
import { knownRelease } from './known-release.ts'

export async function queryCost(
  { peer }: Session,
  options: { release: number; site?: string | undefined },
): Promise<ReleaseCost> {
  const release = await knownRelease(peer.state, options.release, options.site)
  return { site: options.site ?? null, release: release.version, sites: await sitePlans(peer, release) }
}
