/** The keys and thresholds of a root's roles. */

import { fromHex } from '../encoding/hash.ts'
import type { PublicKey } from '../signing/keys.ts'
import { fleetFields, membersAuthority } from './fleet.ts'
import type { Loaded } from './metadata.ts'
import type { TrustedSet } from './trusted-set.ts'

/** The keys and threshold of a role in a root. */
export function roleOf(root: Loaded<'root'>, name: string): { keys: PublicKey[]; threshold: number } {
  const role = Object.entries(root.signed.roles).find(([each]) => each === name)?.[1]
  const keys = (role?.keyIDs ?? []).flatMap(id => {
    const hex = root.signed.keys[id]?.keyVal.public
    return hex === undefined ? [] : [fromHex(hex)]
  })
  return { keys, threshold: role?.threshold ?? 1 }
}

/** The keys and threshold of the members role in a root that may only be proposed. */
export function membersOf(root: Loaded<'root'>, trusted: TrustedSet): { keys: PublicKey[]; threshold: number } {
  const named = fleetFields(root).members
  return named === undefined ? membersAuthority(trusted) : { ...named, keys: named.keys.map(fromHex) }
}
