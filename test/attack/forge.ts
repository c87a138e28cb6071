/** Releases that `publish` would never sign: with some of the keys, other versions, other dates, other content. */

import { timeText } from '../../protocol/encoding/fields.ts'
import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { type Release, type ReleaseExtensions, releaseCodec } from '../../protocol/release/release.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import { membersRole } from '../../protocol/trust/fleet.ts'
import type { Published } from '../../protocol/trust/publish.ts'
import { customOf } from '../../protocol/trust/release-extensions.ts'
import { daysAfter, type TestFleet } from '../helpers/fleet.ts'
import { signedJson, signJson } from '../helpers/metadata.ts'
import type { Offer } from './hostile-peer.ts'

type Json = Record<string, unknown>
type Role = 'targets' | 'snapshot' | 'timestamp' | 'members'

export interface ForgeInit {
  /** The base; the fleet's latest by default. */
  on?: Pick<Published, 'trusted'>
  /** The signers of each role; the fleet's own keys by default. */
  signers?: Partial<Record<Role, Signer[]>>
  versions?: Partial<Record<Role, number>>
  /** Of every role that is signed anew. */
  expires?: Date
  release?: Partial<Release>
  /** Extensions of the release. */
  extensions?: ReleaseExtensions | undefined
  /** Changes a role's document before it is signed. */
  twist?: (role: Role, signed: Json) => Json
  /** The offered roots; the fleet's by default. */
  roots?: readonly Uint8Array[]
}

export interface Forged extends Offer {
  readonly head: Uint8Array
  readonly documents: readonly Uint8Array[]
  readonly snapshot: Uint8Array
  readonly targets: Uint8Array
  readonly release: Release
  readonly versions: Record<Role, number>
}

/** The parts of a fleet that a thief of signing keys has. */
export type Forging = Pick<TestFleet, 'fleet' | 'keys' | 'now'> & {
  readonly published: Pick<Published, 'trusted'>
  readonly history: readonly Pick<Published, 'documents'>[]
}

/** A whole release as a hostile peer offers it. Nothing of it is verified. */
export function forge(fleet: Forging, init: ForgeInit = {}): Forged {
  const { trusted } = init.on ?? fleet.published
  const { timestamp, snapshot, targets, delegated } = trusted
  const members = delegated[membersRole]
  if (!timestamp || !snapshot || !targets || !members) throw new RangeError('expected complete metadata')
  const expires = timeText(init.expires ?? daysAfter(new Date(), 100))
  const versions = {
    targets: init.versions?.targets ?? targets.signed.version + 1,
    snapshot: init.versions?.snapshot ?? snapshot.signed.version + 1,
    timestamp: init.versions?.timestamp ?? timestamp.signed.version + 1,
    members: init.versions?.members ?? members.signed.version,
  }
  const signed = (role: Role, document: Json): Uint8Array => {
    const twisted = init.twist?.(role, document) ?? document
    return signJson(twisted, ...(init.signers?.[role] ?? [fleet.keys[role]]))
  }
  const release: Release = {
    v: 1,
    fleet: fleet.fleet,
    version: versions.targets,
    created: timeText(fleet.now),
    message: 'forged',
    configs: {},
    devices: {},
    ...init.release,
  }
  const releaseBytes = releaseCodec.encode(release)
  const newTargets = signed('targets', {
    ...signedJson(targets),
    version: versions.targets,
    expires,
    targets: { release: { ...fileOf(releaseBytes), ...customOf(init.extensions) } },
  })
  const resigned = init.versions?.members !== undefined || init.signers?.members !== undefined
  const newMembers = resigned
    ? signed('members', { ...signedJson(members), version: versions.members, expires })
    : members.bytes
  const newSnapshot = signed('snapshot', {
    ...signedJson(snapshot),
    version: versions.snapshot,
    expires,
    meta: {
      'targets.json': metaOf(newTargets, versions.targets),
      'members.json': metaOf(newMembers, versions.members),
    },
  })
  const head = signed('timestamp', {
    ...signedJson(timestamp),
    version: versions.timestamp,
    expires,
    meta: { 'snapshot.json': metaOf(newSnapshot, versions.snapshot) },
  })
  return {
    head,
    roots: init.roots ?? [trusted.root.bytes],
    documents: [newSnapshot, newTargets, newMembers, releaseBytes, ...documentsOfAll(fleet)],
    snapshot: newSnapshot,
    targets: newTargets,
    release,
    versions,
  }
}

/** The published metadata, as an honest peer sends it: for replays. */
export function offerOf(
  fleet: TestFleet,
  { trusted }: Published,
  roots = [trusted.root.bytes],
): Offer & { head: Uint8Array } {
  const { timestamp, snapshot, targets, delegated } = trusted
  const all = [snapshot, targets, ...Object.values(delegated)].flatMap(each => each?.bytes ?? [])
  if (timestamp === undefined) throw new RangeError('expected a timestamp')
  return { head: timestamp.bytes, roots, documents: [...all, ...documentsOfAll(fleet)] }
}

/** How metadata names other metadata. */
export function metaOf(bytes: Uint8Array, version: number) {
  return { version, ...fileOf(bytes) }
}

function fileOf(bytes: Uint8Array) {
  return { length: bytes.length, hashes: { sha256: sha256Hex(bytes) } }
}

function documentsOfAll(fleet: Pick<Forging, 'history'>): Uint8Array[] {
  return fleet.history.flatMap(({ documents }) => documents)
}
