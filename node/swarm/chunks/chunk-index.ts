/** The chunk index: maps chunk hashes to store paths and offsets, so that the Nix store serves as the block store. */

import type { Level } from 'level'
import type { Chunk, Recipe } from '../../../protocol/closure/recipe.ts'
import { hashLength } from '../../../protocol/encoding/hash.ts'
import { packVarints, unpackVarints } from '../../../protocol/encoding/varint.ts'
import { type StorePath, storePathSchema } from '../../../protocol/nix/store-path.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'

/** Places that a look-up returns for one chunk: alternatives in case a path vanishes while it is read. */
export const maxPlaces = 4

/** The location of a chunk: a range of a path's NAR, to be normalised with that path's positions. */
export interface Place {
  readonly path: StorePath
  /** The byte offset in the path's NAR. */
  readonly offset: number
  readonly length: number
}

/** Database operations in one batch: a path may have ten thousand chunks. */
const batchSize = 1000

/** Entries that a look-up reads at a time: about 25 kB. */
const maxStep = 256

/** The length of a hash in base64url. */
const prefixLength = 43

/**
 * Chunk hash → places, in LevelDB. Each combination of chunk and path has its own key, `<32 bytes of hash><store
 * path>` → offset and length, so adding or removing a path touches no other path's entries. A second table maps a
 * store path to its chunks' hashes and is used to remove the path. It is written first and deleted last, so a crash
 * leaves nothing that can't be removed.
 *
 * The index is a cache of the recipes of valid paths: it can be cleared and rebuilt at any time, and readers verify
 * each chunk's hash.
 */
export class ChunkIndex {
  readonly #places: ReturnType<typeof placesOf>
  readonly #paths: ReturnType<typeof pathsOf>
  /** Serialises writers: an `add` and a `remove` of one path must not interleave. */
  readonly #writes = new SerialQueue()

  /** Takes an open database and uses its sublevels `chunk-places` and `chunk-paths`. */
  constructor(db: Level) {
    this.#places = placesOf(db)
    this.#paths = pathsOf(db)
  }

  /** Adds the chunks of a valid path; idempotent. */
  add(path: StorePath, recipe: Recipe): Promise<void> {
    return this.#writes.run(async () => {
      const first = new Map<string, Chunk>()
      for (const chunk of recipe.chunks) {
        const key = keyOf(chunk.hash, path)
        if (!first.has(key)) first.set(key, chunk)
      }
      await this.#paths.put(path, Buffer.concat([...first.values()].map(({ hash }) => hash)))
      const puts = [...first].map(([key, { offset, length }]) => {
        return { type: 'put' as const, key, value: packVarints([offset, length]) }
      })
      for (const batch of batchesOf(puts)) await this.#places.batch(batch)
    })
  }

  /** Removes a path that has left the store; unknown paths are ignored. */
  remove(path: StorePath): Promise<void> {
    return this.#writes.run(() => this.#remove(path))
  }

  /** Removes everything, so that the index can be rebuilt. */
  clear(): Promise<void> {
    return this.#writes.run(async () => {
      await this.#places.clear()
      await this.#paths.clear()
    })
  }

  /** All indexed paths. */
  paths(): Promise<StorePath[]> {
    return this.#paths.keys().all()
  }

  has(path: StorePath): Promise<boolean> {
    return this.#paths.has(path)
  }

  /**
   * Looks chunks up, in the order of `hashes`: at most {@link maxPlaces} places each, none if the store lacks the
   * chunk. A large look-up costs little more than reading its part of the table (0.3 s for a closure of 40,000
   * chunks).
   */
  async lookUp(hashes: readonly Uint8Array[]): Promise<Place[][]> {
    const prefixes = hashes.map(prefixOf)
    const found = new Map<string, Place[]>(prefixes.toSorted().map(prefix => [prefix, []]))
    await this.#walk([...found.keys()], (prefix, key, value) => {
      const places = found.get(prefix)
      if (places === undefined || places.length >= maxPlaces) return
      const place = placeOf(key.slice(prefix.length), value)
      if (place !== undefined) places.push(place)
    })
    return prefixes.map(prefix => found.get(prefix) ?? [])
  }

  /** Visits at least the first entries of each wanted prefix (ascending), in one pass that skips distant ranges. */
  async #walk(
    wanted: readonly string[],
    visit: (prefix: string, key: string, value: Uint8Array) => void,
  ): Promise<void> {
    const step = Math.min(maxStep, Math.max(maxPlaces, wanted.length))
    const iterator = this.#places.iterator()
    try {
      for (let next = 0; next < wanted.length; ) {
        iterator.seek(wanted[next] ?? '')
        const entries = await iterator.nextv(step)
        // The last prefix may continue after these entries, so it is read again from its start, unless it fills them.
        const open = entries.at(-1)?.[0].slice(0, prefixLength)
        if (open === undefined) return
        const alone = entries[0]?.[0].slice(0, prefixLength) === open
        for (const [key, value] of entries) {
          const prefix = key.slice(0, prefixLength)
          if (prefix !== open || alone) visit(prefix, key, value)
        }
        while (next < wanted.length && ((wanted[next] ?? '') < open || (alone && wanted[next] === open))) next++
      }
    } finally {
      await iterator.close()
    }
  }

  async #remove(path: StorePath): Promise<void> {
    const hashes = (await this.#paths.get(path)) ?? new Uint8Array()
    const dels: { type: 'del'; key: string }[] = []
    for (let at = 0; at < hashes.length; at += hashLength) {
      dels.push({ type: 'del', key: keyOf(hashes.subarray(at, at + hashLength), path) })
    }
    for (const batch of batchesOf(dels)) await this.#places.batch(batch)
    await this.#paths.del(path)
  }
}

const placesOf = (db: Level) => db.sublevel<string, Uint8Array>('chunk-places', { valueEncoding: 'view' })
const pathsOf = (db: Level) => db.sublevel<StorePath, Uint8Array>('chunk-paths', { valueEncoding: 'view' })

/** The hash in 43 characters of base64url: readable text keys. */
function prefixOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('base64url')
}

function keyOf(hash: Uint8Array, path: StorePath): string {
  return prefixOf(hash) + path
}

/** A decoded place; undefined if the entry is damaged, since the index is only a cache. */
function placeOf(path: string, value: Uint8Array): Place | undefined {
  try {
    const [offset, length] = unpackVarints(value)
    if (offset === undefined || length === undefined || !storePathSchema.safeParse(path).success) return undefined
    return { path, offset, length }
  } catch {
    return undefined
  }
}

function* batchesOf<T>(operations: readonly T[]): Generator<T[]> {
  for (let at = 0; at < operations.length; at += batchSize) yield operations.slice(at, at + batchSize)
}
