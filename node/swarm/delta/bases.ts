/** Reads delta bases: the runs of old chunks that serve as zstd dictionaries, on either side of a transfer. */

import { LRUCache } from 'lru-cache'
import type { Chunk, Recipe } from '../../../protocol/closure/recipe.ts'
import { equalBytes, toHex } from '../../../protocol/encoding/hash.ts'
import { type Base, maxBaseBytes } from '../../../protocol/messages/swarm.ts'
import type { StorePath } from '../../../protocol/nix/store-path.ts'
import { forgottenAfter } from '../../concurrency/forgotten-after.ts'
import type { ChunkIndex, Place } from '../chunks/chunk-index.ts'
import { ChunkReader, type ChunkReaderComponents } from '../chunks/chunk-reader.ts'
import { baseCacheBytes, baseIdleMs, baseRecipes } from '../limits.ts'

export interface BasesComponents {
  readonly store: ChunkReaderComponents['store']
  readonly index: Pick<ChunkIndex, 'lookUp'>
  readonly positionsOf: ChunkReaderComponents['positionsOf']
  /** A recipe by its SHA-256; undefined if it isn't stored here. */
  readonly recipe: (id: Uint8Array) => Promise<Recipe | undefined>
}

/** Reads runs of chunks from any store path that has them, and caches recent recipes and chunks. */
export class Bases {
  readonly #components: BasesComponents
  readonly #reader: ChunkReader
  readonly #recipes: LRUCache<string, Promise<readonly Chunk[]>>
  readonly #chunks: LRUCache<string, Uint8Array>

  constructor(components: BasesComponents, { idleMs = baseIdleMs } = {}) {
    this.#components = components
    this.#reader = new ChunkReader(components)
    this.#recipes = new LRUCache({ max: baseRecipes, ...forgottenAfter(idleMs) })
    const sizeCalculation = ({ length }: Uint8Array) => length
    this.#chunks = new LRUCache({ maxSize: baseCacheBytes, sizeCalculation, ...forgottenAfter(idleMs) })
  }

  /** Bytes of chunks in memory. */
  get cachedBytes(): number {
    return this.#chunks.calculatedSize
  }

  /**
   * The bytes of a run, concatenated, each chunk verified against its hash; undefined if the recipe or a chunk is
   * missing, or if the run is larger than a delta base may be.
   */
  async read({ recipe, first, count }: Base): Promise<Uint8Array | undefined> {
    const run = (await this.#chunksOf(recipe)).slice(first, first + count)
    const size = run.reduce((sum, { length }) => sum + length, 0)
    if (run.length !== count || size > maxBaseBytes) return undefined
    // Taken now: the cache may forget them meanwhile.
    const parts = run.map(({ hash }) => this.#chunks.get(toHex(hash)))
    const missing = run.filter((_, place) => parts[place] === undefined)
    const places = await this.#components.index.lookUp(missing.map(({ hash }) => hash))
    for (const [i, { hash, length }] of missing.entries()) {
      const bytes = await this.#readOne(places[i]?.filter(place => place.length === length) ?? [], hash)
      if (bytes === undefined) return undefined
      run.forEach((chunk, place) => {
        if (equalBytes(chunk.hash, hash)) parts[place] = bytes
      })
      this.#keep(toHex(hash), bytes)
    }
    return parts.some(part => part === undefined) ? undefined : Buffer.concat(parts as Uint8Array[], size)
  }

  /** Which of these bases have all their chunks in the store, as far as is known without reading them. */
  async here(bases: readonly Base[]): Promise<boolean[]> {
    const runs: (readonly Chunk[] | undefined)[] = []
    for (const { recipe, first, count } of bases) {
      const run = (await this.#chunksOf(recipe)).slice(first, first + count)
      runs.push(run.length === count ? run : undefined)
    }
    const hashes = new Map(runs.flatMap(run => run ?? []).map(({ hash }) => [toHex(hash), hash]))
    const places = await this.#components.index.lookUp([...hashes.values()])
    const known = new Set([...hashes.keys()].filter((_, i) => (places[i]?.length ?? 0) > 0))
    return runs.map(run => run?.every(({ hash }) => known.has(toHex(hash))) === true)
  }

  /** Any one of the places will do. */
  async #readOne(places: readonly Place[], hash: Uint8Array): Promise<Uint8Array | undefined> {
    for (const place of places) {
      const bytes = await this.#reader.read(place, hash)
      if (bytes !== undefined) return bytes
    }
    return undefined
  }

  /** Consecutive chunks share most of their delta bases. */
  #keep(key: string, bytes: Uint8Array): void {
    if (this.#chunks.has(key)) return
    // A copy: the bytes may be a view of a much larger buffer.
    this.#chunks.set(key, Buffer.from(bytes))
  }

  #chunksOf(id: Uint8Array): Promise<readonly Chunk[]> {
    const key = toHex(id)
    const known = this.#recipes.get(key) ?? this.#components.recipe(id).then(recipe => recipe?.chunks ?? [])
    this.#recipes.set(key, known)
    const forget = () => this.#recipes.delete(key)
    // A missing recipe may arrive later.
    known.then(chunks => chunks.length === 0 && forget(), forget)
    return known
  }
}

/** A store path's name without hash and version, which it shares with the older version that it replaces. */
export function packageNameOf(path: StorePath): string {
  return path.slice(path.indexOf('-') + 1).replace(/-[0-9][^-]*/g, '')
}
