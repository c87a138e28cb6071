/** Verifies metadata signatures, and a file's length and hashes. */

import type { Key, Root } from '@tufjs/models'
import { sha256Hex, sha512Hex } from '../encoding/hash.ts'
import type { Loaded, RoleKind } from './metadata.ts'

/** IDs of the keys of a role that signed a document, and the role's threshold; undefined if there is no such role. */
export interface Signers {
  readonly signers: readonly string[]
  readonly threshold: number | undefined
}

/**
 * Counts keys, not IDs: a key with two IDs counts once. Invalid signatures are ignored, so that adding one can't
 * spoil a document.
 */
export function signersOf(
  delegator: Loaded<'root' | 'targets'>['metadata'],
  role: string,
  metadata: Loaded<RoleKind>['metadata'],
): Signers {
  const { keys, authority } = keysOf(delegator, role)
  if (authority === undefined) return { signers: [], threshold: undefined }
  const counted = new Map<string, string>()
  for (const id of authority.keyIDs) {
    const key = Object.hasOwn(keys, id) ? keys[id] : undefined
    if (key?.keyVal.public === undefined || !hasSigned(key, metadata)) continue
    if (!counted.has(key.keyVal.public)) counted.set(key.keyVal.public, id)
  }
  return { signers: [...counted.values()], threshold: authority.threshold }
}

type Role = Root['roles'][string]

function keysOf(
  { signed }: Loaded<'root' | 'targets'>['metadata'],
  role: string,
): { keys: Record<string, Key>; authority: Role | undefined } {
  if ('roles' in signed) {
    const { keys, roles } = signed
    return { keys, authority: Object.entries(roles).find(([name]) => name === role)?.[1] }
  }
  const { keys = {}, roles, succinctRoles } = signed.delegations ?? {}
  if (roles !== undefined) return { keys, authority: Object.hasOwn(roles, role) ? roles[role] : undefined }
  return { keys, authority: succinctRoles?.isDelegatedRole(role) ? succinctRoles : undefined }
}

function hasSigned(key: Key, metadata: Loaded<RoleKind>['metadata']): boolean {
  try {
    key.verifySignature(metadata)
    return true
  } catch {
    return false
  }
}

/** A file's length and hashes in metadata. */
export interface HashedFile {
  readonly length?: number | undefined
  readonly hashes?: Readonly<Record<string, string>> | undefined
}

const hashers: Readonly<Record<string, (bytes: Uint8Array) => string>> = { sha256: sha256Hex, sha512: sha512Hex }

/** Whether the bytes match: every known hash must, and if any are given, at least one must be of a known algorithm. */
export function matchesLengthAndHashes({ length, hashes = {} }: HashedFile, bytes: Uint8Array): boolean {
  if (length !== undefined && length !== bytes.length) return false
  const named = Object.entries(hashes)
  const known = named.filter(([algorithm]) => Object.hasOwn(hashers, algorithm))
  if (known.length === 0) return named.length === 0
  return known.every(([algorithm, hash]) => hashers[algorithm]?.(bytes) === hash)
}
