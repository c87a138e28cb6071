/** Publishes a new revocation list without a release: the members metadata, and what names it. */

import { timeText } from '../encoding/fields.ts'
import { type Revocations, revocationsCodec } from '../members/revocations.ts'
import type { Signer } from '../signing/keys.ts'
import { membersRole, revocationsTarget } from './fleet.ts'
import { makeSnapshot, makeTargets, makeTimestamp, signMetadata } from './metadata.ts'
import { lifetimes } from './publish.ts'
import { nextSites, withoutSites } from './sites.ts'
import { type TrustedSet, updateDelegated, updateSnapshot, updateTargets, updateTimestamp } from './trusted-set.ts'

/** The keys for a change of members: for each role as many as its threshold. */
export interface MembersKeys {
  readonly members: readonly Signer[]
  readonly snapshot: readonly Signer[]
  readonly timestamp: readonly Signer[]
}

/**
 * The next trusted set with this revocation list, verified as every peer will. Throws a TrustError if keys are
 * missing.
 */
export function publishMembers(
  trusted: TrustedSet,
  revocations: Revocations,
  keys: MembersKeys,
  now: Date,
): { trusted: TrustedSet; documents: readonly Uint8Array[] } {
  const { targets } = trusted
  const before = trusted.delegated[membersRole]
  if (targets === undefined || before === undefined)
    throw new RangeError('expected metadata of a fleet that was founded')
  const bytes = revocationsCodec.encode(revocations)
  const members = signMetadata(
    'targets',
    makeTargets({
      version: before.signed.version + 1,
      expires: expiry(now, lifetimes.targets),
      targets: [{ path: revocationsTarget, bytes }],
    }),
    keys.members,
  )
  const sites = nextSites(trusted, targets)
  const snapshot = signMetadata(
    'snapshot',
    makeSnapshot({
      version: (trusted.snapshot?.signed.version ?? 0) + 1,
      expires: expiry(now, lifetimes.snapshot),
      roles: { ...withoutSites(trusted.delegated), targets, [membersRole]: members, ...sites.roles },
      retired: sites.retired,
    }),
    keys.snapshot,
  )
  const timestamp = signMetadata(
    'timestamp',
    makeTimestamp({
      version: (trusted.timestamp?.signed.version ?? 0) + 1,
      expires: expiry(now, lifetimes.timestamp),
      snapshot,
    }),
    keys.timestamp,
  )
  let set = updateTimestamp(trusted, timestamp.bytes, now)
  set = updateSnapshot(set, snapshot.bytes, now)
  // The release stays the same however old it is: only membership changes.
  set = updateTargets(set, targets.bytes, undefined)
  set = updateDelegated(set, membersRole, members.bytes, now)
  return { trusted: set, documents: [bytes] }
}

function expiry(now: Date, days: number): string {
  return timeText(new Date(now.getTime() + days * 86_400_000))
}
