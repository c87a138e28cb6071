/** The closures of all releases that are kept, by their top levels: what a device runs may be of any of them. */

import { hashOfCid } from '../../protocol/encoding/cid.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { FleetState } from './fleet-state.ts'

type State = Pick<FleetState, 'release' | 'releaseVersions' | 'siteReleases'>

/** All accepted releases that are kept, of the fleet and of sites' operators. */
async function allReleases(state: State): Promise<Release[]> {
  const own = await Promise.all((await state.releaseVersions()).map(version => state.release(version)))
  return [...own.filter(release => release !== undefined), ...(await state.siteReleases())]
}

/** SHA-256 of each closure's descriptor by its top level; only of those that fit. */
export async function releasedClosures(
  state: State,
  fits: (topLevel: string) => boolean,
): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for (const { configs } of await allReleases(state)) {
    for (const { topLevel, closure } of Object.values(configs)) {
      if (fits(topLevel)) found.set(topLevel, hashOfCid(closure))
    }
  }
  return found
}
