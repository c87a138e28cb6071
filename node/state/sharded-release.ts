/** Puts a sharded release together from the documents that are here. */

import { FormatError } from '../../protocol/encoding/cbor.ts'
import { fromHex, toHex } from '../../protocol/encoding/hash.ts'
import { readManifest, requirePlain, ShardJoin, withoutShards } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import { namedShards, placedEntries, ShardError } from '../../protocol/release/shards.ts'

/** Reads a stored document by its SHA-256; undefined if it isn't here. */
export type ReadDocument = (hash: Uint8Array) => Promise<Uint8Array | undefined>

/**
 * A release as it was signed, with the entries of its shards that are here; any other release as it is. If something is wrong with the
 * manifest or a shard, it has no entries at all, and says why: such a release is not applied by halves.
 */
export async function withShards(plain: Release, read: ReadDocument): Promise<Release> {
  try {
    const named = namedShards(plain)
    if (named === undefined) return plain
    requirePlain(plain)
    const bytes = await read(fromHex(named.document))
    if (bytes === undefined) return withoutShards(plain)
    const manifest = readManifest(plain, bytes)
    const join = new ShardJoin(plain, manifest)
    // Each waits for the disk, so that a large release doesn't hold the event loop.
    for (const place of placedEntries(manifest)) join.add(place, await read(place.entry.hash))
    return join.done()
  } catch (thrown) {
    if (thrown instanceof ShardError || thrown instanceof FormatError) return withoutShards(plain, thrown)
    throw thrown
  }
}

/** SHA-256, in hex, of the manifest and of all shards that it names: empty if the release has none, or they can't be read. */
export async function shardDocuments(plain: Release, read: ReadDocument): Promise<string[]> {
  try {
    const named = namedShards(plain)
    const bytes = named && (await read(fromHex(named.document)))
    if (named === undefined || bytes === undefined) return named === undefined ? [] : [named.document]
    return [named.document, ...placedEntries(readManifest(plain, bytes)).map(({ entry }) => toHex(entry.hash))]
  } catch (thrown) {
    if (thrown instanceof ShardError || thrown instanceof FormatError) return []
    throw thrown
  }
}
