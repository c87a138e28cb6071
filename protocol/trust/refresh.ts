/** One run of the TUF client workflow with any fetcher, from the trusted metadata to the newest. */

import type { MetaFile } from '@tufjs/models'
import { limits } from '../limits.ts'
import type { Loaded } from './metadata.ts'
import { siteOf } from './site-roles.ts'
import { restoreSite } from './sites.ts'
import {
  type ReferenceTime,
  requireFreshRoot,
  requireFreshSnapshot,
  snapshotMeta,
  TrustError,
  type TrustedSet,
  updateDelegated,
  updateRoot,
  updateSnapshot,
  updateTargets,
  updateTimestamp,
} from './trusted-set.ts'

/** A source of metadata: peers of the mesh, an HTTP server, a bundle. It is untrusted. */
export interface MetadataFetcher {
  /** The root of this version; undefined if the source has none. */
  root(version: number): Promise<Uint8Array | undefined>
  timestamp(): Promise<Uint8Array>
  snapshot(meta: MetaFile): Promise<Uint8Array>
  /** `targets`, or a delegated role. */
  targets(role: string, meta: MetaFile): Promise<Uint8Array>
}

/** Called for each role as soon as its metadata is verified: `root`, another top-level role or a delegated one. */
export type AcceptedRole = (role: string, trusted: TrustedSet) => Promise<void>

/**
 * Returns the trusted metadata after a refresh. All or nothing, except for the roles passed to `accepted`: if it
 * keeps roots, an interrupted walk continues from there. Throws a TrustError, a MetadataError, or the fetcher's
 * errors.
 */
export async function refresh(
  trusted: TrustedSet,
  from: MetadataFetcher,
  time: ReferenceTime,
  accepted: AcceptedRole = async () => {},
): Promise<TrustedSet> {
  let set = await walkRoots(trusted, from, accepted)
  requireFreshRoot(set, time)
  const before = set.timestamp
  set = updateTimestamp(set, await from.timestamp(), time)
  if (set.timestamp !== before) await accepted('timestamp', set)
  const named = set.timestamp?.signed.snapshotMeta
  if (named !== undefined && set.snapshot?.signed.version !== named.version) {
    set = updateSnapshot(set, await from.snapshot(named), time)
    await accepted('snapshot', set)
  } else if (set.rules.acceptedExpires) requireFreshSnapshot(set, time)
  return refreshTargets(set, from, time, accepted)
}

async function walkRoots(trusted: TrustedSet, from: MetadataFetcher, accepted: AcceptedRole): Promise<TrustedSet> {
  let set = trusted
  for (let step = 0; step < limits.rootRotations; step++) {
    const bytes = await from.root(set.root.signed.version + 1)
    if (bytes === undefined) return set
    set = updateRoot(set, bytes)
    await accepted('root', set)
  }
  throw new TrustError('wrong-version', `expected at most ${limits.rootRotations} new roots, got more`)
}

async function refreshTargets(
  trusted: TrustedSet,
  from: MetadataFetcher,
  time: ReferenceTime,
  accepted: AcceptedRole,
): Promise<TrustedSet> {
  let set = await refreshRole(trusted, 'targets', from, time, accepted)
  if (set.rules.delegated === 'looked-up') return set
  set = { ...set, delegated: {} }
  for (const role of delegatedRoles(set)) {
    const known = delegatedRole(trusted, role)
    const recalled = known ? { ...set, delegated: { ...set.delegated, [role]: known } } : set
    if (siteOf(role) === undefined) set = await refreshRole(recalled, role, from, time, accepted)
    else set = await refreshSite(set, trusted, role, from, time, accepted)
  }
  return set
}

/**
 * A site's role. If the snapshot names no document of it, its delegation has changed and the new operators have
 * signed nothing yet; its version stays. Metadata that expired before it was fetched is ignored: a neglected site
 * must not block the fleet.
 */
async function refreshSite(
  set: TrustedSet,
  before: TrustedSet,
  role: string,
  from: MetadataFetcher,
  time: ReferenceTime,
  accepted: AcceptedRole,
): Promise<TrustedSet> {
  const known = delegatedRole(before, role)
  const meta = snapshotMeta(set, role)
  const without = { ...set, delegated: { ...set.delegated } }
  delete without.delegated[role]
  if (meta.hashes === undefined) {
    const version = before.snapshot?.signed.meta[`${role}.json`]?.version
    if (version !== undefined && version !== meta.version) {
      throw new TrustError('wrong-version', `expected ${role} version ${version} where it has no document`)
    }
    return known === undefined ? without : restoreSite(without, role, known.bytes)
  }
  try {
    const recalled = known ? { ...set, delegated: { ...set.delegated, [role]: known } } : set
    return await refreshRole(recalled, role, from, time, accepted)
  } catch (thrown) {
    if (thrown instanceof TrustError && thrown.code === 'expired') return without
    throw thrown
  }
}

/**
 * Fetches one targets role, unless the snapshot's version of it is here. Verifies it in any case: the root or the
 * delegations may have changed its keys, or another role may delegate to it.
 */
export async function refreshRole(
  trusted: TrustedSet,
  role: string,
  from: MetadataFetcher,
  time: ReferenceTime,
  accepted: AcceptedRole,
  delegator = trusted.targets,
): Promise<TrustedSet> {
  const isTop = role === 'targets'
  const meta = snapshotMeta(trusted, role)
  const before = isTop ? trusted.targets : delegatedRole(trusted, role)
  const update = (bytes: Uint8Array, at: ReferenceTime) =>
    isTop ? updateTargets(trusted, bytes, at) : updateDelegated(trusted, role, bytes, at, delegator)
  const known = acceptedBytes(before, meta)
  if (known !== undefined) {
    try {
      return update(known, trusted.rules.acceptedExpires ? time : undefined)
    } catch (thrown) {
      // The source may have another document of this version, for example after a recovery.
      const mayHaveOther = thrown instanceof TrustError && thrown.code !== 'expired'
      if (!mayHaveOther || trusted.rules.secondOfVersion === 'evidence') throw thrown
    }
  }
  const set = update(await from.targets(role, meta), time)
  await accepted(role, set)
  return set
}

/** A delegated role by name. An own property only: the name may be one that objects inherit. */
export function delegatedRole(trusted: TrustedSet, role: string): Loaded<'targets'> | undefined {
  return Object.hasOwn(trusted.delegated, role) ? trusted.delegated[role] : undefined
}

/** The trusted bytes, if metadata names the same ones: accepted metadata isn't checked for expiry again. */
function acceptedBytes(role: Loaded<'targets'> | undefined, meta: MetaFile): Uint8Array | undefined {
  return role?.signed.version === meta.version ? role.bytes : undefined
}

/** Names of the roles that the top-level targets delegate to and the snapshot lists. */
export function delegatedRoles(trusted: TrustedSet): string[] {
  const roles = Object.keys(trusted.targets?.signed.delegations?.roles ?? {})
  return roles.filter(role => trusted.snapshot?.signed.meta[`${role}.json`] !== undefined)
}
