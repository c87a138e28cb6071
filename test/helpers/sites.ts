/** Sites with operators of their own, in a fleet for tests. */

import type { Signer } from '../../protocol/signing/keys.ts'
import { signMetadata } from '../../protocol/trust/metadata.ts'
import { nextRoot } from '../../protocol/trust/next-root.ts'
import {
  draftRelease,
  draftSiteRelease,
  type Published,
  publishNext,
  type ReleaseContent,
} from '../../protocol/trust/publish.ts'
import { sitesOf } from '../../protocol/trust/sites.ts'
import type { TestFleet } from './fleet.ts'

/** Gives a site to these signers; takes it back from everyone where there are none. */
export function delegate(fleet: TestFleet, site: string, signers: readonly Signer[], nix: string[] = []): Published {
  const { trusted, release: before } = fleet.published
  const sites = new Map(sitesOf(trusted.targets))
  if (signers.length === 0) sites.delete(site)
  else sites.set(site, { keys: signers.map(({ publicKey }) => publicKey), threshold: signers.length })
  const changes = { add: [], remove: [], thresholds: {}, dropNixKeys: [], siteNixKeys: { [site]: nix } }
  const root =
    nix.length === 0 ? undefined : signMetadata('root', nextRoot(trusted, changes, fleet.now), [fleet.keys.root])
  const { v: _v, fleet: _f, version: _n, created: _c, ...content } = before
  const draft = draftRelease(trusted, fleet.fleet, content, fleet.now, root, sites)
  const targets = signMetadata('targets', draft.targets, [fleet.keys.targets])
  const next = publishNext(trusted, { ...(root && { root }), targets }, fleet.keys, fleet.now)
  return fleet.publish({ trusted: next, fleet: fleet.fleet, release: draft.release, documents: [draft.bytes] })
}

/** Metadata that a site's operators sign, before anyone publishes it. */
export function signedAt(
  fleet: TestFleet,
  site: string,
  signers: readonly Signer[],
  content: Partial<ReleaseContent> = {},
) {
  const whole = { message: `of ${site}`, configs: {}, devices: {}, ...content }
  const draft = draftSiteRelease(fleet.published.trusted, fleet.fleet, site, whole, fleet.now)
  return { ...draft, metadata: signMetadata('targets', draft.metadata, signers) }
}

/** A release by a site's operators, published by one of the fleet's. */
export function releaseAt(
  fleet: TestFleet,
  site: string,
  signers: readonly Signer[],
  content: Partial<ReleaseContent> = {},
): Published {
  const { bytes, metadata } = signedAt(fleet, site, signers, content)
  const { trusted, release } = fleet.published
  const next = publishNext(trusted, { ofSite: { site, metadata } }, fleet.keys, fleet.now)
  return fleet.publish({ trusted: next, fleet: fleet.fleet, release, documents: [bytes] })
}
