/** Thymesh's requirements for TUF metadata beyond the models' own: real times and versions, correct key IDs. */

import { type Key, type MetaFile, Root, Snapshot, type TargetFile, Targets, Timestamp } from '@tufjs/models'
import { nameSchema, timeSchema, versionSchema } from '../encoding/fields.ts'
import { fromHex, hashLength } from '../encoding/hash.ts'
import { keyIdOf, publicKeyLength } from '../signing/keys.ts'
import { requireSiteRoles } from './site-roles.ts'

type Signed = Root | Timestamp | Snapshot | Targets

/** Requirements for any repository: real versions, times and lengths. Throws a RangeError that says what is wrong. */
export function validateTufMetadata(signed: Signed): void {
  requireVersion('version', signed.version)
  if (!timeSchema.safeParse(signed.expires).success) {
    throw new RangeError(`expected a time such as 2026-01-31T12:00:00Z under expires, got ${shown(signed.expires)}`)
  }
  if (signed instanceof Timestamp) requireMeta('snapshot.json', signed.snapshotMeta)
  if (signed instanceof Snapshot) for (const [name, meta] of Object.entries(signed.meta)) requireMeta(name, meta)
  if (signed instanceof Targets) for (const [path, file] of Object.entries(signed.targets)) requireFile(path, file)
}

/** Requirements for a fleet's own metadata: also correct key IDs, and role names that are valid file names. */
export function validateFleetMetadata(signed: Signed): void {
  validateTufMetadata(signed)
  if (signed instanceof Root) requireKeys(signed.keys)
  if (signed instanceof Targets) requireDelegations(signed)
}

/**
 * Only Ed25519 keys in one spelling, each under its own hash. So a key has one ID and can't count twice towards a
 * threshold (specification §4.2, "only one unique key has that KEYID").
 */
function requireKeys(keys: Record<string, Key>): void {
  for (const [id, key] of Object.entries(keys)) {
    const isEd25519 = key.keyType === 'ed25519' && key.scheme === 'ed25519'
    if (!isEd25519 || typeof key.keyVal.public !== 'string')
      throw new RangeError(`expected an Ed25519 key ${shown(id)}`)
    const publicKey = fromHex(key.keyVal.public)
    if (publicKey.length !== publicKeyLength || id !== keyIdOf(publicKey)) {
      throw new RangeError(`expected the key's own hash as its ID, got ${shown(id)}`)
    }
  }
}

function requireDelegations(targets: Targets): void {
  const { delegations } = targets
  if (delegations === undefined) return
  requireKeys(delegations.keys)
  requireSiteRoles(targets)
  // Role names appear in file names and requests.
  for (const role of Object.keys(delegations.roles ?? {})) {
    if (!role.startsWith('sites/') && !nameSchema.safeParse(role).success)
      throw new RangeError(`expected a role name, got ${shown(role)}`)
  }
}

function requireMeta(name: string, meta: MetaFile): void {
  requireVersion(`${name.slice(0, 80)}: version`, meta.version)
  requireFile(name, meta)
}

function requireFile(name: string, { length, hashes }: MetaFile | TargetFile): void {
  if (length !== undefined && !Number.isSafeInteger(length)) throw new RangeError(`expected a length of ${shown(name)}`)
  const hash = hashes?.sha256
  if (hash !== undefined && fromHex(hash).length !== hashLength) {
    throw new RangeError(`expected a SHA-256 of ${shown(name)} in hex`)
  }
}

function requireVersion(what: string, version: number): void {
  if (!versionSchema.safeParse(version).success) throw new RangeError(`expected a whole ${what} from 1, got ${version}`)
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}
