/** The answer of `thymesh site list`: sites with operators of their own, their keys and releases. */

import { keyIdOf } from '../../protocol/signing/keys.ts'
import { nixKeysFor, sitesOf } from '../../protocol/trust/sites.ts'
import type { SiteRow } from '../api/schemas/trust.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf } from '../signing/proposing.ts'

export async function querySites({ peer }: Session): Promise<{ sites: SiteRow[] }> {
  const { trusted, sites: releases } = acceptedOf(peer)
  const fleetKeys = nixKeysFor(trusted.root, undefined)
  const sites = [...sitesOf(trusted.targets)].map(([site, { keys, threshold }]) => ({
    site,
    threshold,
    keys: keys.map(keyIdOf),
    nixPublicKeys: nixKeysFor(trusted.root, site).slice(fleetKeys.length),
    release: releases.get(site)?.version ?? null,
    message: releases.get(site)?.message ?? null,
    devices: Object.keys(releases.get(site)?.devices ?? {}),
  }))
  return { sites }
}
