/** The answer of `thymesh rollout`: the waves of the newest release, of the fleet or of one site. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { newestOf } from '../../node/state/releases.ts'
import { HintedError } from '../../protocol/errors.ts'
import { requireWhole } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { RolloutStatus } from '../api/schemas/rollout.ts'
import type { Session } from '../session/session.ts'
import { noSiteRelease } from '../signing/sites.ts'
import { waveStatuses } from './waves.ts'

export async function queryRollout({ peer }: Session, { site }: { site?: string | undefined }): Promise<RolloutStatus> {
  const release = currentRelease(peer, site)
  const { version, message, promotes = null, rollout: policy = null } = release
  const waves = waveStatuses(peer, release)
  return {
    release: version,
    ...(release.site !== undefined && { site: release.site }),
    ...{ message, promotes, policy },
    complete: waves.every(({ state }) => state === 'confirmed' || state === 'empty'),
    waves,
  }
}

/** The newest release of the fleet, or of a site's own operators. Throws a HintedError, with this code for the fleet, or a ShardError. */
export function currentRelease(peer: ControllerPeer, site: string | undefined, code = 'no-release'): Release {
  const release = newestOf(peer.state.accepted, site)
  if (release !== undefined) {
    requireWhole(release)
    return release
  }
  if (site !== undefined) throw noSiteRelease(peer, site)
  throw new HintedError(code, 'this controller knows no release yet', {
    hint: 'Make one with `thymesh deploy`, or run `thymesh status` where a device is in reach.',
  })
}
