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
  const release = releaseOf(peer, site)
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

function releaseOf(peer: ControllerPeer, site: string | undefined): Release {
  const release = newestOf(peer.state.accepted, site)
  if (release !== undefined) return release
  throw site === undefined ? noRelease() : noSiteRelease(peer, site)
}

/** The error of a command that needs a release of the fleet where none has come yet. */
export function noRelease(code = 'no-release'): HintedError {
  return new HintedError(code, 'this controller knows no release yet', {
    hint: 'Make one with `thymesh deploy`, or run `thymesh status` where a device is in reach.',
  })
}
