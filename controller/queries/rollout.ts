/** The answer of `thymesh rollout`: the waves of the newest release, of the fleet or of one site. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { newestOf } from '../../node/state/releases.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { Session } from '../session/session.ts'
import { noSiteRelease } from '../signing/sites.ts'
import { type WaveStatus, waveStatuses } from './waves.ts'

export interface RolloutStatus {
  readonly release: Release
  readonly waves: readonly WaveStatus[]
}

export async function queryRollout({ peer }: Session, { site }: { site?: string | undefined }): Promise<RolloutStatus> {
  const release = currentRelease(peer, site)
  return { release, waves: waveStatuses(peer, release) }
}

export function rolloutJson({ release, waves }: RolloutStatus): object {
  return {
    release: release.version,
    ...(release.site !== undefined && { site: release.site }),
    promotes: release.promotes ?? null,
    policy: release.rollout ?? null,
    complete: waves.every(({ state }) => state === 'confirmed' || state === 'empty'),
    waves,
  }
}

/** The newest release of the fleet, or of a site's own operators. Throws a HintedError, with this code for the fleet. */
export function currentRelease(peer: ControllerPeer, site: string | undefined, code = 'no-release'): Release {
  const release = newestOf(peer.state.accepted, site)
  if (release !== undefined) return release
  if (site !== undefined) throw noSiteRelease(peer, site)
  throw new HintedError(code, 'this controller knows no release yet', {
    hint: 'Make one with `thymesh deploy`, or run `thymesh status` where a device is in reach.',
  })
}
