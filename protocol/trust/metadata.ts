/** TUF metadata as bytes: bounded parsing, canonical encoding, and construction of each role's document. */

import { canonicalize } from '@tufjs/canonical-json'
import { Metadata, MetadataKind, Root, Signature, Snapshot, Targets, Timestamp } from '@tufjs/models'
import { sha256Hex, toHex } from '../encoding/hash.ts'
import { messageOf, ThymeshError } from '../errors.ts'
import { limits } from '../limits.ts'
import { keyIdOf, type PublicKey, type Signer, tufKeyJson } from '../signing/keys.ts'
import type { RootFields } from './root-fields.ts'
import { fleetRules, type RoleKind, type TrustRules } from './rules.ts'

export type { RoleKind } from './rules.ts'

/** The version of the specification (https://theupdateframework.github.io/specification/v1.0.31/). */
const specVersion = '1.0.31'

export class MetadataError extends ThymeshError<'too-large' | 'malformed'> {}

type RoleTypes = { root: Root; timestamp: Timestamp; snapshot: Snapshot; targets: Targets }

/** Metadata with its original bytes, which hashes and signatures refer to. */
export interface Loaded<Kind extends RoleKind> {
  readonly metadata: Metadata<RoleTypes[Kind]>
  readonly signed: RoleTypes[Kind]
  readonly bytes: Uint8Array
}

const parsers: { [Kind in RoleKind]: (json: JsonObject) => Metadata<RoleTypes[Kind]> } = {
  root: json => Metadata.fromJSON(MetadataKind.Root, json),
  timestamp: json => Metadata.fromJSON(MetadataKind.Timestamp, json),
  snapshot: json => Metadata.fromJSON(MetadataKind.Snapshot, json),
  targets: json => Metadata.fromJSON(MetadataKind.Targets, json),
}
type JsonObject = Parameters<typeof Metadata.fromJSON>[1]

/** Parses a role's metadata. Checks form and size but no signature. Throws a MetadataError. */
export function parseMetadata<Kind extends RoleKind>(
  kind: Kind,
  bytes: Uint8Array,
  rules: TrustRules = fleetRules,
): Loaded<Kind> {
  const maxBytes = rules.maxBytes[kind]
  if (bytes.length > maxBytes) {
    throw new MetadataError('too-large', `expected ${kind} metadata of at most ${maxBytes} bytes, got ${bytes.length}`)
  }
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonObject
    // Numbers with a fraction have no canonical form, so no signature can cover them.
    canonicalize(json)
    const metadata = parsers[kind](json)
    if (Object.keys(metadata.signatures).length > limits.signatures) {
      throw new MetadataError('too-large', `expected at most ${limits.signatures} signatures`)
    }
    rules.require(metadata.signed)
    return { metadata, signed: metadata.signed, bytes }
  } catch (thrown) {
    if (thrown instanceof MetadataError) throw thrown
    throw new MetadataError('malformed', `expected ${kind} metadata: ${messageOf(thrown)}`, { cause: thrown })
  }
}

/** Signs a role's document and encodes it as canonical JSON, so that the same document always has the same bytes. */
export function signMetadata<Kind extends RoleKind>(
  kind: Kind,
  signed: RoleTypes[Kind],
  signers: readonly Signer[],
): Loaded<Kind> {
  const metadata = new Metadata(signed) as Metadata<RoleTypes[Kind]>
  for (const signer of signers) {
    metadata.sign(bytes => new Signature({ keyID: signer.keyId, sig: toHex(signer.sign(bytes)) }))
  }
  return parseMetadata(kind, Buffer.from(canonicalize(metadata.toJSON())))
}

/** Adds signatures to a document, sorted by key ID, so that the resulting bytes don't depend on who adds them. */
export function addSignatures<Kind extends RoleKind>(
  kind: Kind,
  loaded: Loaded<Kind>,
  signatures: Readonly<Record<string, string>>,
  onlyThese = false,
): Loaded<Kind> {
  const known = onlyThese
    ? []
    : Object.values(loaded.metadata.signatures).map(({ keyID, sig }) => [keyID, sig] as const)
  const all = Object.entries({ ...Object.fromEntries(known), ...signatures }).sort(([a], [b]) => (a < b ? -1 : 1))
  const json = { signatures: all.map(([keyid, sig]) => ({ keyid, sig })), signed: loaded.signed.toJSON() }
  return parseMetadata(kind, Buffer.from(canonicalize(json)))
}

/** The bytes that signatures of a role's document cover. */
export function contentBytes(signed: Loaded<RoleKind>['signed']): Uint8Array {
  return Buffer.from(canonicalize(signed.toJSON()))
}

export function signatureOf(signed: Loaded<RoleKind>['signed'], signer: Signer): string {
  return toHex(signer.sign(contentBytes(signed)))
}

/** The keys and threshold of a role. */
export interface RoleKeys {
  readonly keys: readonly PublicKey[]
  readonly threshold: number
}

export interface RootContent {
  version: number
  expires: string
  roles: Record<'root' | 'targets' | 'snapshot' | 'timestamp', RoleKeys>
  thymesh: RootFields
}

export function makeRoot(content: RootContent): Root {
  const keys = Object.values(content.roles).flatMap(role => role.keys)
  return Root.fromJSON({
    _type: 'root',
    spec_version: specVersion,
    version: content.version,
    expires: content.expires,
    consistent_snapshot: true,
    keys: Object.fromEntries(keys.map(key => [keyIdOf(key), tufKeyJson(key)])),
    roles: Object.fromEntries(Object.entries(content.roles).map(([name, role]) => [name, roleJson(role)])),
    thymesh: content.thymesh,
  })
}

/** A target file in targets metadata. */
export interface TargetContent {
  path: string
  bytes: Uint8Array
  /** Data about the target that TUF leaves to applications. */
  custom?: JsonObject
}

export interface TargetsContent {
  version: number
  expires: string
  targets: TargetContent[]
  /** In the form of `makeDelegations`, or from earlier metadata. */
  delegations?: JsonObject
}

export function makeTargets(content: TargetsContent): Targets {
  return Targets.fromJSON({
    _type: 'targets',
    spec_version: specVersion,
    version: content.version,
    expires: content.expires,
    targets: Object.fromEntries(
      content.targets.map(({ path, bytes, custom }) => [
        path,
        { length: bytes.length, hashes: { sha256: sha256Hex(bytes) }, ...(custom && { custom }) },
      ]),
    ),
    ...(content.delegations && { delegations: content.delegations }),
  })
}

/** Delegated roles: their keys, and the target paths that they may sign. */
export function makeDelegations(roles: Record<string, RoleKeys & { paths: string[] }>): JsonObject {
  const keys = Object.values(roles).flatMap(role => role.keys)
  return {
    keys: Object.fromEntries(keys.map(key => [keyIdOf(key), tufKeyJson(key)])),
    roles: Object.entries(roles).map(([name, role]) => ({
      ...roleJson(role),
      name,
      paths: role.paths,
      terminating: true,
    })),
  }
}

export function makeSnapshot(content: {
  version: number
  expires: string
  roles: Record<string, Loaded<'targets'>>
  /** Roles without a document now, with the versions that a new document must exceed. */
  retired?: Readonly<Record<string, number>>
}): Snapshot {
  return Snapshot.fromJSON({
    _type: 'snapshot',
    spec_version: specVersion,
    version: content.version,
    expires: content.expires,
    meta: Object.fromEntries([
      ...Object.entries(content.roles).map(([name, role]) => [`${name}.json`, metaJson(role)] as const),
      ...Object.entries(content.retired ?? {}).map(([name, version]) => [`${name}.json`, { version }] as const),
    ]),
  })
}

export function makeTimestamp(content: { version: number; expires: string; snapshot: Loaded<'snapshot'> }): Timestamp {
  return Timestamp.fromJSON({
    _type: 'timestamp',
    spec_version: specVersion,
    version: content.version,
    expires: content.expires,
    meta: { 'snapshot.json': metaJson(content.snapshot) },
  })
}

function roleJson(role: RoleKeys) {
  return { keyids: role.keys.map(keyIdOf), threshold: role.threshold }
}

function metaJson({ bytes, signed }: Loaded<'snapshot'> | Loaded<'targets'>) {
  return { version: signed.version, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } }
}
