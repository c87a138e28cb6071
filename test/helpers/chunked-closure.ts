/** Closures cut into chunks, from a real store's NARs or NARs in memory: descriptor, recipes, and every chunk's bytes. */

import { storeError } from '../../node/store/store-error.ts'
import { ChunkList } from '../../node/swarm/chunks/chunk-list.ts'
import { makeRecipeOf, type NarFacts } from '../../node/swarm/recipe/make-recipe.ts'
import type { NarSource } from '../../node/swarm/recipe/nar-source.ts'
import { normaliseRange } from '../../node/swarm/recipe/normalise.ts'
import type { Closure, DescribedPath } from '../../protocol/closure/closure.ts'
import { decodeRecipe, type Recipe } from '../../protocol/closure/recipe.ts'
import { sha256, toHex } from '../../protocol/encoding/hash.ts'
import { memoryNar } from './planted-nar.ts'

export interface SourcePath {
  readonly info: NarFacts & { readonly signatures: readonly string[] }
  readonly nar: NarSource
}

export class ChunkedClosure {
  readonly closure: Closure
  readonly list: ChunkList
  readonly #documents: ReadonlyMap<string, Uint8Array>
  readonly #nars: ReadonlyMap<string, NarSource>

  private constructor(closure: Closure, documents: Map<string, Uint8Array>, nars: Map<string, NarSource>) {
    this.closure = closure
    const recipes = new Map<string, Recipe>([...documents].map(([id, bytes]) => [id, decodeRecipe(bytes)]))
    this.list = new ChunkList(closure, recipes)
    this.#documents = documents
    this.#nars = nars
  }

  /** Describes paths, references before referrers. */
  static async of(sources: readonly SourcePath[]): Promise<ChunkedClosure> {
    const places = new Map(sources.map(({ info }, place) => [info.path, place]))
    const documents = new Map<string, Uint8Array>()
    const paths: DescribedPath[] = []
    for (const { info, nar } of sources) {
      const { bytes, id, references } = await makeRecipeOf(nar, info)
      documents.set(toHex(id), bytes)
      paths.push({
        path: info.path,
        narHash: info.narHash,
        narSize: info.narSize,
        references: references.map(reference => places.get(reference) ?? 0),
        recipe: id,
        signatures: [...info.signatures],
      })
    }
    return new ChunkedClosure({ v: 1, paths }, documents, new Map(sources.map(({ info, nar }) => [info.path, nar])))
  }

  /** A recipe's bytes by its ID: what the state's documents are to a peer. */
  readonly document = async (id: Uint8Array) => this.#documents.get(toHex(id))

  /** A chunk's normalised bytes, from the first path that has it. */
  async chunk(number: number): Promise<Uint8Array> {
    const { path, place } = this.list.placeOf(number)
    const { offset, length } = path.recipe.chunks[place] ?? { offset: 0, length: 0 }
    const bytes = await this.#nars.get(path.described.path)?.readRange(offset, length)
    if (bytes === undefined) throw new RangeError(`no NAR of ${path.described.path}`)
    return normaliseRange(bytes, offset, path.recipe.positions)
  }
}

/** A path in memory; its references are what it says, whether they occur in it or not. */
export function memoryPath(path: string, bytes: Uint8Array, references: readonly string[] = []): SourcePath {
  const info = { path, references, narHash: sha256(bytes), narSize: bytes.length, signatures: [] }
  return { info, nar: memoryNar(bytes) }
}

/** A store in memory, as far as chunks are read from it; paths come and go in `paths`. */
export class MemoryStore {
  readonly paths = new Map<string, Uint8Array>()
  /** NARs that were opened. */
  opened = 0

  async nar(path: string): Promise<NarSource> {
    this.opened++
    if (!this.paths.has(path)) throw storeError('path-unknown', `${path} is not here`)
    const present = () => {
      const bytes = this.paths.get(path)
      if (bytes === undefined) throw storeError('path-unknown', `${path} was collected`)
      return memoryNar(bytes)
    }
    return {
      size: present().size,
      readRange: async (offset, length) => present().readRange(offset, length),
      stream: (start, end) => present().stream(start, end),
    }
  }

  async validPaths(paths: readonly string[]): Promise<Set<string>> {
    return new Set(paths.filter(path => this.paths.has(path)))
  }
}
