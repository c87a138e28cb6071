/** One walk of the client workflow with whatever fetcher: from the metadata that is trusted to what it leads to now. */

import type { MetaFile } from '@tufjs/models'
import { limits } from '../limits.ts'
import type { Loaded } from './metadata.ts'
import {
  type ReferenceTime,
  requireFreshRoot,
  snapshotMeta,
  TrustError,
  type TrustedSet,
  updateDelegated,
  updateRoot,
  updateSnapshot,
  updateTargets,
  updateTimestamp,
} from './trusted-set.ts'

/** Where metadata comes from: peers of the mesh, an HTTP server, a bundle. It is believed nothing. */
export interface MetadataFetcher {
  /** Root of this version, or nothing when the source has none. */
  root(version: number): Promise<Uint8Array | undefined>
  timestamp(): Promise<Uint8Array>
  snapshot(meta: MetaFile): Promise<Uint8Array>
  /** `targets`, or a delegated role. */
  targets(role: string, meta: MetaFile): Promise<Uint8Array>
}

/**
 * The trusted metadata after a refresh. All or nothing but for roots, which `keepRoot` is given one by one as they are
 * verified: a walk that is cut off goes on from there. Throws a TrustError, a MetadataError, or what the fetcher throws.
 */
export async function refresh(
  trusted: TrustedSet,
  from: MetadataFetcher,
  time: ReferenceTime,
  keepRoot: (trusted: TrustedSet) => Promise<void> = async () => {},
): Promise<TrustedSet> {
  let set = await walkRoots(trusted, from, keepRoot)
  requireFreshRoot(set, time)
  set = updateTimestamp(set, await from.timestamp(), time)
  const named = set.timestamp?.signed.snapshotMeta
  if (named !== undefined && set.snapshot?.signed.version !== named.version) {
    set = updateSnapshot(set, await from.snapshot(named), time)
  }
  return refreshTargets(set, from, time)
}

async function walkRoots(
  trusted: TrustedSet,
  from: MetadataFetcher,
  keepRoot: (trusted: TrustedSet) => Promise<void>,
): Promise<TrustedSet> {
  let set = trusted
  for (let step = 0; step < limits.rootRotations; step++) {
    const bytes = await from.root(set.root.signed.version + 1)
    if (bytes === undefined) return set
    set = updateRoot(set, bytes)
    await keepRoot(set)
  }
  throw new TrustError('wrong-version', `expected at most ${limits.rootRotations} new roots, got more`)
}

/** Each role is verified again even when its bytes are known: the root or the delegations may have changed its keys. */
async function refreshTargets(trusted: TrustedSet, from: MetadataFetcher, time: ReferenceTime): Promise<TrustedSet> {
  const known = acceptedBytes(trusted.targets, snapshotMeta(trusted, 'targets'))
  let set = known
    ? updateTargets(trusted, known, undefined)
    : updateTargets(trusted, await from.targets('targets', snapshotMeta(trusted, 'targets')), time)
  set = { ...set, delegated: {} }
  for (const role of delegatedRoles(set)) {
    const meta = snapshotMeta(set, role)
    const known = acceptedBytes(Object.hasOwn(trusted.delegated, role) ? trusted.delegated[role] : undefined, meta)
    set = known
      ? updateDelegated(set, role, known, undefined)
      : updateDelegated(set, role, await from.targets(role, meta), time)
  }
  return set
}

/** The bytes that are trusted already, when they are the named ones: accepted metadata does not expire again. */
function acceptedBytes(role: Loaded<'targets'> | undefined, meta: MetaFile): Uint8Array | undefined {
  return role?.signed.version === meta.version ? role.bytes : undefined
}

/** The names of the roles that the top-level targets delegate to and the snapshot knows. */
export function delegatedRoles(trusted: TrustedSet): string[] {
  const roles = Object.keys(trusted.targets?.signed.delegations?.roles ?? {})
  return roles.filter(role => trusted.snapshot?.signed.meta[`${role}.json`] !== undefined)
}
