/**
 * Sites with their own operators: the roles that the targets delegate `sites/<site>/*` to, and the releases that they
 * name.
 */

import { isDeepStrictEqual } from 'node:util'
import { fromHex } from '../encoding/hash.ts'
import { keyIdOf } from '../signing/keys.ts'
import { fleetFields, type NamedDocument } from './fleet.ts'
import type { Loaded, RoleKeys } from './metadata.ts'
import { siteOf, siteReleaseTarget, siteRole } from './site-roles.ts'
import { TrustError, type TrustedSet, updateDelegated } from './trusted-set.ts'
import { signersOf } from './verify.ts'

/** The operators' keys and threshold of each site, by its name. */
export type Sites = ReadonlyMap<string, RoleKeys>

/** The sites that targets delegate to, by name. */
export function sitesOf(targets: Loaded<'targets'> | undefined): Sites {
  const { keys = {}, roles = {} } = targets?.signed.delegations ?? {}
  const found = Object.values(roles).flatMap((role): [string, RoleKeys][] => {
    const site = siteOf(role.name)
    if (site === undefined) return []
    const hexes = role.keyIDs.flatMap(id => (Object.hasOwn(keys, id) ? (keys[id]?.keyVal.public ?? []) : []))
    return [[site, { keys: hexes.map(fromHex), threshold: role.threshold }]]
  })
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Whether two delegations of a site require the same signatures. */
export function sameAuthority(one: RoleKeys | undefined, other: RoleKeys | undefined): boolean {
  const essence = (of: RoleKeys | undefined) => of && [of.threshold, of.keys.map(keyIdOf).sort()]
  return isDeepStrictEqual(essence(one), essence(other))
}

/** The highest version that a site's role has ever had in this fleet, from the snapshot; 0 before its first. */
export function siteVersion(trusted: TrustedSet, site: string): number {
  return trusted.snapshot?.signed.meta[`${siteRole(site)}.json`]?.version ?? 0
}

/** The release that a site's operators have signed, and its required version. */
export function namedSiteRelease(trusted: TrustedSet, site: string): (NamedDocument & { version: number }) | undefined {
  const role = siteRole(site)
  const loaded = Object.hasOwn(trusted.delegated, role) ? trusted.delegated[role] : undefined
  const path = siteReleaseTarget(site)
  const target = loaded && Object.hasOwn(loaded.signed.targets, path) ? loaded.signed.targets[path] : undefined
  const hash = target?.hashes.sha256
  if (loaded === undefined || target === undefined || hash === undefined) return undefined
  return { hash: fromHex(hash), length: target.length, version: loaded.signed.version }
}

/** The Nix keys whose signatures a device accepts: the fleet's, and those of its own site's operators. */
export function nixKeysFor(root: Loaded<'root'>, site: string | undefined): string[] {
  const { nixPublicKeys, siteNixKeys = {} } = fleetFields(root)
  const own = site !== undefined && Object.hasOwn(siteNixKeys, site) ? siteNixKeys[site] : undefined
  return [...nixPublicKeys, ...(own ?? [])]
}

/**
 * Restores a site's role from the state. It must be the named document and satisfy the site's current delegation;
 * otherwise the set is returned without it, since the operators may have changed.
 */
export function restoreSite(trusted: TrustedSet, role: string, bytes: Uint8Array): TrustedSet {
  try {
    return updateDelegated(trusted, role, bytes, undefined)
  } catch (thrown) {
    if (thrown instanceof TrustError) return trusted
    throw thrown
  }
}

/** The snapshot's entries for sites' roles: those that stay, and the versions of those without a document now. */
export interface NextSites {
  readonly roles: Readonly<Record<string, Loaded<'targets'>>>
  readonly retired: Readonly<Record<string, number>>
}

/**
 * The sites' roles under these targets. A role stays as long as its delegation does. If the delegation changed, the
 * role keeps its version, so that nothing older counts again.
 */
export function nextSites(
  trusted: TrustedSet,
  targets: Loaded<'targets'>,
  next?: { readonly site: string; readonly metadata: Loaded<'targets'> },
): NextSites {
  const roles: Record<string, Loaded<'targets'>> = {}
  const retired: Record<string, number> = {}
  for (const [file, { version }] of Object.entries(trusted.snapshot?.signed.meta ?? {})) {
    const role = file.replace(/\.json$/, '')
    if (siteOf(role) === undefined) continue
    const held = Object.hasOwn(trusted.delegated, role) ? trusted.delegated[role] : undefined
    if (held !== undefined && isSigned(targets, role, held)) roles[role] = held
    else retired[role] = version
  }
  if (next === undefined) return { roles, retired }
  delete retired[siteRole(next.site)]
  return { roles: { ...roles, [siteRole(next.site)]: next.metadata }, retired }
}

function isSigned(targets: Loaded<'targets'>, role: string, { metadata }: Loaded<'targets'>): boolean {
  const { signers, threshold } = signersOf(targets.metadata, role, metadata)
  return threshold !== undefined && signers.length >= threshold
}

/** The delegated roles other than sites'. */
export function withoutSites(delegated: TrustedSet['delegated']): TrustedSet['delegated'] {
  return Object.fromEntries(Object.entries(delegated).filter(([role]) => siteOf(role) === undefined))
}
