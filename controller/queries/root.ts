/** The answer of `thymesh root show`: the roles of the fleet's root, their keys and thresholds. */

import { keyIdOf } from '../../protocol/signing/keys.ts'
import { fleetFields, roleNames } from '../../protocol/trust/fleet.ts'
import { membersOf, roleOf } from '../../protocol/trust/role-keys.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import type { RootDetails } from '../api/schemas/trust.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf } from '../signing/proposing.ts'

export async function queryRoot({ peer }: Session): Promise<RootDetails> {
  return rootDetails(acceptedOf(peer).trusted, peer.fleet)
}

/** The root that is trusted, of the fleet with this ID. */
export function rootDetails(trusted: TrustedSet, fleet: string): RootDetails {
  const { root } = trusted
  const { name, nixPublicKeys, operators = {}, created = null } = fleetFields(root)
  const nameOf = (id: string) => Object.entries(operators).find(([, ids]) => ids.includes(id))?.[0] ?? null
  const roles = roleNames.map(role => {
    const { keys, threshold } = role === 'members' ? membersOf(root, trusted) : roleOf(root, role)
    return [role, { threshold, keys: keys.map(keyIdOf).map(id => ({ id, operator: nameOf(id) })) }] as const
  })
  const { version, expires } = root.signed
  return {
    ...{ version, fleet, name, created, expires },
    roles: Object.fromEntries(roles) as unknown as RootDetails['roles'],
    nixPublicKeys: [...nixPublicKeys],
  }
}
