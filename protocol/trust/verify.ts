/** Who signed metadata, and whether a file is the one that metadata names. */

import type { Key, Root } from '@tufjs/models'
import { sha256Hex, sha512Hex } from '../encoding/hash.ts'
import type { Loaded, RoleKind } from './metadata.ts'

/** The keys of a role that signed a document, by ID, and how many must; no threshold where there is no such role. */
export interface Signers {
  readonly signers: readonly string[]
  readonly threshold: number | undefined
}

/**
 * Counts keys, not IDs: a key that goes by two IDs signs once. A signature that isn't good counts as none, so that nobody
 * can spoil a document by adding one.
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

/** A file as metadata names it. */
export interface HashedFile {
  readonly length?: number | undefined
  readonly hashes?: Readonly<Record<string, string>> | undefined
}

const hashers: Readonly<Record<string, (bytes: Uint8Array) => string>> = { sha256: sha256Hex, sha512: sha512Hex }

/** Whether these bytes are the named file: every hash that we know must fit, and one of those named must be known. */
export function matchesLengthAndHashes({ length, hashes = {} }: HashedFile, bytes: Uint8Array): boolean {
  if (length !== undefined && length !== bytes.length) return false
  const named = Object.entries(hashes)
  const known = named.filter(([algorithm]) => Object.hasOwn(hashers, algorithm))
  if (known.length === 0) return named.length === 0
  return known.every(([algorithm, hash]) => hashers[algorithm]?.(bytes) === hash)
}
