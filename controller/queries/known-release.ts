/** A release of a version and a site, or the error that says where to look for it. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Release } from '../../protocol/release/release.ts'

export async function knownRelease(
  state: Pick<ControllerPeer['state'], 'release'>,
  version: number,
  site: string | undefined,
): Promise<Release> {
  const release = version < 1 ? undefined : await state.release(version, site)
  if (release !== undefined) return release
  const name = site === undefined ? version : `${site}/${version}`
  throw new HintedError('unknown-version', `this controller doesn't know release ${name}`, {
    hint: '`thymesh releases` lists the releases that it knows.',
  })
}
