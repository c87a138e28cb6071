/** What a fleet's trusted metadata says in the words of Thymesh: fleet ID, name, Nix keys, members role, documents. */

import { z } from 'zod'
import { ThymeshError } from '../errors.ts'
import { nameSchema } from '../fields.ts'
import { fromHex, sha256Hex } from '../hash.ts'
import type { PublicKey } from '../keys.ts'
import { limits } from '../limits.ts'
import type { Loaded } from './metadata.ts'
import type { TrustedSet } from './trusted-set.ts'

/** Target paths and the delegated role that signs membership. */
export const releaseTarget = 'release'
export const revocationsTarget = 'members/revocations'
export const membersRole = 'members'

export class FleetError extends ThymeshError<'incomplete' | 'malformed'> {}

/** The fleet's ID: SHA-256 of root version 1, in hex. */
export function fleetIdOf(firstRoot: Uint8Array): string {
  return sha256Hex(firstRoot)
}

const rootFieldsSchema = z.strictObject({
  name: nameSchema,
  nixPublicKeys: z.array(z.string().max(200)).min(1).max(limits.signatures),
})

/** The fleet's name and the Nix keys whose signatures its devices' stores accept: in the root, so no release changes them. */
export function fleetFields(root: Loaded<'root'>): z.infer<typeof rootFieldsSchema> {
  const parsed = rootFieldsSchema.safeParse(root.signed.unrecognizedFields.thymesh)
  if (!parsed.success) throw new FleetError('malformed', 'expected name and nixPublicKeys under "thymesh" in the root')
  return parsed.data
}

/** The keys of the members role, and how many of them must sign. */
export function membersAuthority(trusted: TrustedSet): { keys: PublicKey[]; threshold: number } {
  const delegations = trusted.targets?.signed.delegations
  const role = delegations?.roles?.[membersRole]
  if (delegations === undefined || role === undefined) {
    throw new FleetError('incomplete', 'the trusted targets delegate to no members role')
  }
  const keys = role.keyIDs.flatMap(id => {
    const key = delegations.keys[id]
    return key?.scheme === 'ed25519' && key.keyVal.public !== undefined ? [fromHex(key.keyVal.public)] : []
  })
  return { keys, threshold: role.threshold }
}

/** A document that a role names: its hash and length. */
export interface NamedDocument {
  readonly hash: Uint8Array
  readonly length: number
}

/** The release, and the version that it must have; nothing before the metadata is complete. */
export function namedRelease(trusted: TrustedSet): (NamedDocument & { version: number }) | undefined {
  const named = namedTarget(trusted.targets, releaseTarget)
  return named && trusted.targets && { ...named, version: trusted.targets.signed.version }
}

export function namedRevocations(trusted: TrustedSet): NamedDocument | undefined {
  return namedTarget(trusted.delegated[membersRole], revocationsTarget)
}

function namedTarget(role: Loaded<'targets'> | undefined, path: string): NamedDocument | undefined {
  const target = role?.signed.targets[path]
  const hash = target?.hashes.sha256
  return target === undefined || hash === undefined ? undefined : { hash: fromHex(hash), length: target.length }
}
