/** A fleet's next release, signed by one holder of all keys: where a test is not about proposals. */

import type { Signer } from '../../protocol/signing/keys.ts'
import { membersAuthority, membersRole } from '../../protocol/trust/fleet.ts'
import { type Loaded, signMetadata } from '../../protocol/trust/metadata.ts'
import {
  draftRelease,
  type FleetKeys,
  nextMembers,
  type Published,
  publishNext,
  type ReleaseContent,
  renewalDue,
} from '../../protocol/trust/publish.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'

/** The next release on top of what is trusted, its version one higher. */
export function publishRelease(
  trusted: TrustedSet,
  fleet: string,
  content: ReleaseContent,
  keys: ReleaseKeys,
  now: Date,
): Published {
  const draft = draftRelease(trusted, fleet, content, now)
  const members = renewedMembers(trusted, keys.members, now)
  const targets = signMetadata('targets', draft.targets, [keys.targets])
  const set = publishNext(trusted, { targets, ...(members && { members }) }, keys, now)
  return { trusted: set, fleet, release: draft.release, documents: [draft.bytes] }
}

/** The keys that sign a release; with the members key, the members' metadata is renewed when half its time is over. */
export type ReleaseKeys = Omit<FleetKeys, 'root' | 'members'> & { readonly members?: Signer }

/** When it is due: the same members metadata with the next version, where one key is enough to sign it. */
function renewedMembers(trusted: TrustedSet, key: Signer | undefined, now: Date): Loaded<'targets'> | undefined {
  const current = trusted.delegated[membersRole]
  if (current === undefined || key === undefined || !renewalDue(trusted, now)) return current
  if (membersAuthority(trusted).threshold > 1) return current
  return signMetadata('targets', nextMembers(current, now), [key])
}
