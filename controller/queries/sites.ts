/** The answer of `thymesh site list`: sites with operators of their own, their keys and releases. */

import { keyIdOf } from '../../protocol/signing/keys.ts'
import { nixKeysFor, sitesOf } from '../../protocol/trust/sites.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf } from '../signing/proposing.ts'

export interface SiteRow {
  readonly site: string
  /** Signatures that a release of the site needs. */
  readonly threshold: number
  /** IDs of the keys that may give them. */
  readonly keys: readonly string[]
  /** Nix keys that count at this site only. */
  readonly nixPublicKeys: readonly string[]
  /** The newest release of its own, what it says, and the devices that it names. */
  readonly release: number | null
  readonly message: string | null
  readonly devices: readonly string[]
}

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
