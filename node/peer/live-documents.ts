/**
 * Determines the live documents of a peer; all others may be deleted. Roots aren't documents and are kept
 * permanently.
 */

import { closureCodec } from '../../protocol/closure/closure.ts'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import { type Release, releaseCodec } from '../../protocol/release/release.ts'
import { shiftsOf } from '../../protocol/release/shifts.ts'
import type { FleetState } from '../state/fleet-state.ts'
import { namedDocuments } from '../state/named-documents.ts'
import { releasesOf } from '../state/releases.ts'
import { shardDocuments, withShards } from '../state/sharded-release.ts'

export interface LiveDocumentsInit {
  /** The number of newest releases to keep, of the fleet and of each site. */
  readonly releases: number
  /** Top levels that the machine may still go to: the newest release that names each of them is kept, too. */
  readonly topLevels: ReadonlySet<string>
  /** Proposed releases: the author stores their closures. */
  readonly proposed: readonly Release[]
  /** Further live documents, SHA-256 in hex: recipes of store paths, and what an audit log shows. */
  readonly others: Iterable<string>
}

type Kept = Pick<FleetState, 'trusted' | 'accepted' | 'keptReleases'>

/** The SHA-256, in hex, of every live document; `read` reads a stored one. */
export async function liveDocuments(
  state: Kept,
  read: (hash: string) => Promise<Uint8Array | undefined>,
  init: LiveDocumentsInit,
): Promise<Set<string>> {
  // Peers that were away request metadata by hash.
  const trusted = new Set([state.trusted, state.accepted?.trusted].flatMap(namedDocuments))
  const live = new Set([...trusted, ...init.others])
  const closures = new Set<string>()
  const readBytes = (hash: Uint8Array) => read(toHex(hash))
  for (const release of init.proposed) await nameWhole(release, live, closures, readBytes)
  // Named by the metadata beside a release, which is kept of accepted and proposed ones only.
  for (const release of [...releasesOf(state.accepted), ...init.proposed]) {
    const shifts = shiftsOf(release)
    if (shifts !== undefined) live.add(shifts)
  }
  const missing = new Set(init.topLevels)
  const seen = new Map<string | undefined, number>()
  for (const { site, hash, extensions } of (await state.keptReleases()).sort((a, b) => b.version - a.version)) {
    const newer = seen.get(site) ?? 0
    seen.set(site, newer + 1)
    const isNew = newer < init.releases || trusted.has(hash)
    if (!isNew && missing.size === 0) continue
    const document = releaseFrom(await read(hash))
    if (document === undefined) continue
    const plain = { ...document, ...(extensions && { extensions }) }
    const release = await withShards(plain, readBytes)
    const wanted = Object.values(release.configs).some(({ topLevel }) => missing.has(topLevel))
    for (const { topLevel } of Object.values(release.configs)) missing.delete(topLevel)
    if (!isNew && !wanted) continue
    live.add(hash)
    for (const each of await shardDocuments(plain, readBytes)) live.add(each)
    nameAll(release, live, closures, isNew ? undefined : init.topLevels)
  }
  for (const hash of closures) {
    live.add(hash)
    const bytes = await read(hash)
    for (const { recipe } of bytes ? closureCodec.decode(bytes).paths : []) live.add(toHex(recipe))
  }
  return live
}

/** What a proposed release names, and its shards. */
async function nameWhole(
  plain: Release,
  live: Set<string>,
  closures: Set<string>,
  read: (hash: Uint8Array) => Promise<Uint8Array | undefined>,
): Promise<void> {
  for (const each of await shardDocuments(plain, read)) live.add(each)
  nameAll(await withShards(plain, read), live, closures)
}

/** Undefined if it is missing or was written by a newer Thymesh. */
function releaseFrom(bytes: Uint8Array | undefined): Release | undefined {
  try {
    return bytes && releaseCodec.decode(bytes)
  } catch (thrown) {
    if (thrown instanceof FormatError) return undefined
    throw thrown
  }
}

/** Adds the closures and secrets of a release's configs; with `only`, those of configs with these top levels. */
function nameAll({ configs }: Release, live: Set<string>, closures: Set<string>, only?: ReadonlySet<string>): void {
  for (const { topLevel, closure, secrets } of Object.values(configs)) {
    if (only !== undefined && !only.has(topLevel)) continue
    closures.add(toHex(hashOfCid(closure)))
    for (const { document } of Object.values(secrets ?? {})) live.add(toHex(hashOfCid(document)))
  }
}
