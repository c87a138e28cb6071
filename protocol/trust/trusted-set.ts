/**
 * The TUF client workflow (specification §5.3 to §5.6) as pure functions: from trusted metadata to the next trusted
 * metadata, or a TrustError without any change.
 */

import type { MetaFile } from '@tufjs/models'
import { ThymeshError } from '../errors.ts'
import { type Loaded, parseMetadata } from './metadata.ts'
import { fleetRules, type RoleKind, type TrustRules } from './rules.ts'
import { type HashedFile, matchesLengthAndHashes, signersOf } from './verify.ts'

export class TrustError extends ThymeshError<
  'not-signed' | 'rollback' | 'wrong-version' | 'wrong-hash' | 'expired' | 'out-of-order' | 'unknown-role'
> {}

/** Verified metadata, role by role, in the order of the workflow. Immutable. */
export interface TrustedSet {
  readonly rules: TrustRules
  readonly root: Loaded<'root'>
  readonly timestamp?: Loaded<'timestamp'> | undefined
  readonly snapshot?: Loaded<'snapshot'> | undefined
  readonly targets?: Loaded<'targets'> | undefined
  /** Delegated targets roles by name. */
  readonly delegated: Readonly<Record<string, Loaded<'targets'>>>
}

/** `undefined` skips the expiry check: for metadata that was accepted before and is only loaded again. */
export type ReferenceTime = Date | undefined

/** Starts from a root obtained out of band; it must be signed by its own keys. */
export function trustRoot(bytes: Uint8Array, rules: TrustRules = fleetRules): TrustedSet {
  const root = parseMetadata('root', bytes, rules)
  requireSigned(root.metadata, 'root', root.metadata)
  return { rules, root, delegated: {} }
}

/** §5.3: the next root, signed by the thresholds of the old and of the new one, its version exactly one higher. */
export function updateRoot(trusted: TrustedSet, bytes: Uint8Array): TrustedSet {
  const next = parseMetadata('root', bytes, trusted.rules)
  requireSigned(trusted.root.metadata, 'root', next.metadata)
  requireSigned(next.metadata, 'root', next.metadata)
  if (next.signed.version !== trusted.root.signed.version + 1) {
    throw new TrustError(
      'wrong-version',
      `expected root version ${trusted.root.signed.version + 1}, got ${next.signed.version}`,
    )
  }
  // §5.3.11, recovery from a fast-forward attack: if these keys rotate, the metadata that the old ones signed is
  // dropped.
  if (forgets(trusted, next, 'timestamp') || forgets(trusted, next, 'snapshot')) {
    return { ...trusted, root: next, timestamp: undefined, snapshot: undefined }
  }
  return { ...trusted, root: next }
}

/** §5.3.10: the last root of the walk must not have expired. */
export function requireFreshRoot(trusted: TrustedSet, time: ReferenceTime): void {
  requireNotExpired('root', trusted.root, time)
}

/** §5.4. An equal version changes nothing. With different content it is evidence, if the rules say so. */
export function updateTimestamp(trusted: TrustedSet, bytes: Uint8Array, time: ReferenceTime): TrustedSet {
  const next = parseMetadata('timestamp', bytes, trusted.rules)
  requireSigned(trusted.root.metadata, 'timestamp', next.metadata)
  const current = trusted.timestamp?.signed
  if (current !== undefined) {
    requireNotLower('timestamp', current.version, next.signed.version)
    if (next.signed.version === current.version && trusted.rules.secondOfVersion === 'no-news') {
      if (trusted.timestamp !== undefined) requireNotExpired('timestamp', trusted.timestamp, time)
      return trusted
    }
    requireNotLower('snapshot', current.snapshotMeta.version, next.signed.snapshotMeta.version)
    if (next.signed.version === current.version && !next.signed.equals(current)) {
      throw twoDifferent('timestamp', current.version)
    }
    const [was, now] = [current.snapshotMeta, next.signed.snapshotMeta]
    const isEvidence = trusted.rules.secondOfVersion === 'evidence'
    if (isEvidence && now.version === was.version && !now.equals(was)) throw twoDifferent('snapshot', was.version)
  }
  requireNotExpired('timestamp', next, time)
  return current?.version === next.signed.version ? trusted : { ...trusted, timestamp: next }
}

/**
 * §5.5: the snapshot that the trusted timestamp names. No role may disappear from it or go back to an older version.
 */
export function updateSnapshot(trusted: TrustedSet, bytes: Uint8Array, time: ReferenceTime): TrustedSet {
  const meta = trusted.timestamp?.signed.snapshotMeta
  if (meta === undefined) throw new TrustError('out-of-order', 'expected a timestamp before a snapshot')
  requireNamed('snapshot', meta, bytes)
  const next = parseMetadata('snapshot', bytes, trusted.rules)
  requireSigned(trusted.root.metadata, 'snapshot', next.metadata)
  requireVersion('snapshot', meta.version, next.signed.version)
  for (const [name, old] of Object.entries(trusted.snapshot?.signed.meta ?? {})) {
    const now = next.signed.meta[name]
    if (now === undefined) throw new TrustError('rollback', `${name} is missing from the snapshot that once listed it`)
    requireNotLower(name, old.version, now.version)
  }
  requireNotExpired('snapshot', next, time)
  return { ...trusted, snapshot: next }
}

/** §5.6: the top-level targets that the trusted snapshot names. */
export function updateTargets(trusted: TrustedSet, bytes: Uint8Array, time: ReferenceTime): TrustedSet {
  return { ...trusted, targets: verifiedTargets(trusted, 'targets', trusted.root.metadata, bytes, time) }
}

/**
 * §5.6.7: a role that `delegator` delegates to; by default the top-level targets. Each delegator's keys are checked
 * separately: a role verified for one isn't trusted for another.
 */
export function updateDelegated(
  trusted: TrustedSet,
  role: string,
  bytes: Uint8Array,
  time: ReferenceTime,
  delegator = trusted.targets,
): TrustedSet {
  if (delegator === undefined) throw new TrustError('out-of-order', `expected the targets before ${role}`)
  const next = verifiedTargets(trusted, role, delegator.metadata, bytes, time)
  return { ...trusted, delegated: { ...trusted.delegated, [role]: next } }
}

/** §5.5.6, for the snapshot that was accepted before and is still the named one. */
export function requireFreshSnapshot(trusted: TrustedSet, time: ReferenceTime): void {
  if (trusted.snapshot !== undefined) requireNotExpired('snapshot', trusted.snapshot, time)
}

/** The trusted snapshot's entry for a role. */
export function snapshotMeta(trusted: TrustedSet, role: string): MetaFile {
  const meta = trusted.snapshot?.signed.meta[`${role}.json`]
  if (trusted.snapshot === undefined) throw new TrustError('out-of-order', `expected a snapshot before ${role}`)
  if (meta === undefined) throw new TrustError('unknown-role', `the snapshot doesn't name ${role}.json`)
  return meta
}

function verifiedTargets(
  trusted: TrustedSet,
  role: string,
  delegator: Loaded<'root' | 'targets'>['metadata'],
  bytes: Uint8Array,
  time: ReferenceTime,
): Loaded<'targets'> {
  const meta = snapshotMeta(trusted, role)
  requireNamed(role, meta, bytes)
  const next = parseMetadata('targets', bytes, trusted.rules)
  requireSigned(delegator, role, next.metadata)
  requireVersion(role, meta.version, next.signed.version)
  requireNotExpired(role, next, time)
  return next
}

function requireSigned(
  delegator: Loaded<'root' | 'targets'>['metadata'],
  role: string,
  metadata: Loaded<RoleKind>['metadata'],
): void {
  const { signers, threshold } = signersOf(delegator, role, metadata)
  if (threshold !== undefined && signers.length >= threshold) return
  const counted = threshold === undefined ? 'its delegator names no such role' : `${signers.length}/${threshold} keys`
  throw new TrustError('not-signed', `${role} metadata lacks the signatures that this fleet requires: ${counted}`)
}

function twoDifferent(role: 'timestamp' | 'snapshot', version: number): TrustError {
  return new TrustError('wrong-hash', `two different ${role}s of version ${version}: a signing key may be stolen`, {
    hint: `Find out who signed the second one, then rotate the ${role} key.`,
  })
}

function requireNotLower(what: string, trusted: number, got: number): void {
  if (got < trusted) throw new TrustError('rollback', `expected ${what} version ${trusted} or higher, got ${got}`)
}

function requireVersion(what: string, expected: number, got: number): void {
  if (got !== expected) throw new TrustError('wrong-version', `expected ${what} version ${expected}, got ${got}`)
}

function requireNamed(what: string, meta: HashedFile, bytes: Uint8Array): void {
  if (matchesLengthAndHashes(meta, bytes)) return
  throw new TrustError('wrong-hash', `${what} metadata isn't the one that was named: hash or length differs`)
}

function requireNotExpired(what: string, { signed }: Loaded<RoleKind>, time: ReferenceTime): void {
  if (time === undefined || Date.parse(signed.expires) > time.getTime()) return
  throw new TrustError('expired', `${what} version ${signed.version} expired on ${signed.expires}`, {
    hint: what === 'root' ? 'An operator has to sign a new root.' : 'An operator renews it with `thymesh deploy`.',
  })
}

/**
 * Whether a new root invalidates metadata by the keys of a role. This gives up the protection from rollback, so a
 * different order of the same keys is no rotation; and a fleet keeps metadata that the new root's own keys have
 * signed.
 */
function forgets(trusted: TrustedSet, next: Loaded<'root'>, role: 'timestamp' | 'snapshot'): boolean {
  const [old, now] = [trusted.root.signed.roles[role], next.signed.roles[role]]
  if (old === undefined || now === undefined) return true
  if (old.threshold === now.threshold && isSameSet(old.keyIDs, now.keyIDs)) return false
  const kept = trusted[role]
  if (trusted.rules.rotation === 'forget' || kept === undefined) return true
  const { signers, threshold } = signersOf(next.metadata, role, kept.metadata)
  return threshold === undefined || signers.length < threshold
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every(each => other.includes(each))
}
