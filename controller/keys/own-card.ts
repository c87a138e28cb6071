/** The card of the operator on this machine, made of the newest key files. */

import { join } from 'node:path'
import { roleNames } from '../../protocol/trust/fleet.ts'
import type { FleetKeys } from '../../protocol/trust/publish.ts'
import { makeCard } from './card.ts'
import { noKey, type OperatorKeys } from './operator-keys.ts'

/** The card for the fleet with this ID. Throws a KeyFileError where a key is missing. */
export async function ownCard(operatorKeys: OperatorKeys, fleet: string, name: string): Promise<string> {
  const [signers, nix] = await Promise.all([operatorKeys.signers(), operatorKeys.nixKeys()])
  const newest = roleNames.map(role => {
    const signer = signers[role].at(-1)
    if (signer === undefined) throw noKey(role, join(operatorKeys.directory, `${role}.key`))
    return [role, signer] as const
  })
  const nixKey = nix.at(-1)
  if (nixKey === undefined) throw noKey('nix', join(operatorKeys.directory, 'nix.key'))
  return makeCard({ fleet, name, keys: Object.fromEntries(newest) as unknown as FleetKeys, nix: nixKey })
}
