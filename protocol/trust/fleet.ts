/** Thymesh's view of the trusted metadata: fleet ID, name, Nix keys, members role, documents. */

import { isDeepStrictEqual } from 'node:util'
import { fromHex, sha256Hex, toHex } from '../encoding/hash.ts'
import { ThymeshError } from '../errors.ts'
import type { PublicKey } from '../signing/keys.ts'
import type { Loaded } from './metadata.ts'
import { type RootFields, rootFieldsSchema } from './root-fields.ts'
import type { TrustedSet } from './trusted-set.ts'

/** The roles that each operator has keys for. */
export const roleNames = ['root', 'targets', 'snapshot', 'timestamp', 'members'] as const
export type RoleName = (typeof roleNames)[number]

/** Target paths, and the delegated role that signs membership. */
export const releaseTarget = 'release'
export const revocationsTarget = 'members/revocations'
export const membersRole = 'members'

export class FleetError extends ThymeshError<'incomplete' | 'malformed'> {}

/** The fleet's ID: SHA-256 of root version 1, in hex. */
export function fleetIdOf(firstRoot: Uint8Array): string {
  return sha256Hex(firstRoot)
}

export function fleetFields(root: Loaded<'root'>): RootFields {
  const parsed = rootFieldsSchema.safeParse(root.signed.unrecognizedFields.thymesh)
  if (!parsed.success) throw new FleetError('malformed', 'expected name and nixPublicKeys under "thymesh" in the root')
  return parsed.data
}

/** The ID of a Nix key in the list of an operator's keys. */
export function nixKeyId(publicKey: string): string {
  return sha256Hex(Buffer.from(publicKey))
}

/** The operator that the root names for a key; undefined if none. */
export function operatorOf(root: Loaded<'root'>, keyId: string): string | undefined {
  return Object.entries(fleetFields(root).operators ?? {}).find(([, ids]) => ids.includes(keyId))?.[0]
}

/** The keys and threshold of the members role. Throws a FleetError if root and targets disagree. */
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
  const named = fleetFields(trusted.root).members
  const delegated = { keys: keys.map(toHex).sort(), threshold: role.threshold }
  if (named !== undefined && !isDeepStrictEqual(delegated, { ...named, keys: [...named.keys].sort() })) {
    throw new FleetError('malformed', 'the targets delegate to other members keys than the root names')
  }
  return { keys, threshold: role.threshold }
}

/** A document that metadata names, by hash and length. */
export interface NamedDocument {
  readonly hash: Uint8Array
  readonly length: number
}

/** The release that the metadata names, and its required version; undefined before the metadata is complete. */
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
