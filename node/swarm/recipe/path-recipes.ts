/** Recipes of paths of this machine's store: made once a path, in threads, and remembered. */

import { z } from 'zod'
import { codec } from '../../../protocol/encoding/cbor.ts'
import { bytesSchema } from '../../../protocol/encoding/fields.ts'
import { equalBytes, hashLength, toHex } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import { storePathSchema } from '../../../protocol/nix/store-path.ts'
import { ThreadError } from '../../concurrency/thread-pool.ts'
import type { Table } from '../../state/database.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import type { PathInfo } from '../../store/path-info.ts'
import { stampOf } from './path-stamp.ts'
import { RecipePool } from './recipe-pool.ts'

/** How many recipes had to be made, and how many of those are. */
export type RecipeProgress = (made: number, of: number) => void

/** A path with the ID of its recipe, and its references in the order of the recipe's slots. */
export interface DescribedPath extends Pick<PathInfo, 'path' | 'narHash' | 'narSize' | 'references'> {
  readonly recipe: Uint8Array
}

export interface PathRecipesComponents {
  store: Pick<NixStore, 'closure' | 'validPaths' | 'realPath'>
  /** Recipes are documents. */
  documents: Pick<FleetState, 'document' | 'keepDocument'>
  /** Recipes that were made before, by store path. */
  table: Table
  /** Paths whose files were other than Nix registered when they were read last. */
  damaged: { readonly all: readonly string[]; found(path: string): Promise<void> }
}

/** A path's recipe by its ID, the NAR and the stamp of the files it was made of, and its references in slot order. */
const rememberedSchema = z.strictObject({
  narHash: bytesSchema(hashLength),
  recipe: bytesSchema(hashLength),
  references: z.array(storePathSchema).max(limits.closurePaths),
  /** Absent in what the version before remembered: such a path is read once more. */
  stamp: bytesSchema(hashLength).optional(),
})
type Remembered = z.infer<typeof rememberedSchema>
const rememberedCodec = codec<Remembered>('described path', limits.closure, rememberedSchema)

export class PathRecipes {
  readonly #components: PathRecipesComponents

  constructor(components: PathRecipesComponents) {
    this.#components = components
  }

  /**
   * The closure of a top level that is in the store, with a recipe for each path, which is kept as a document. Throws a
   * ThreadError when the files of a path aren't those that Nix registered. Files are read again only where the file
   * system says that they changed.
   */
  async describe(topLevel: string, onProgress: RecipeProgress = () => {}): Promise<DescribedPath[]> {
    const infos = await this.#components.store.closure(topLevel)
    const known = await this.#recall(infos)
    const fresh = infos.filter(({ path }) => !known.has(path))
    if (fresh.length > 0) await this.#make(fresh, known, onProgress)
    return infos.map(({ path, narHash, narSize }) => {
      const { recipe, references } = known.get(path) ?? { recipe: new Uint8Array(), references: [] }
      return { path, narHash, narSize, references, recipe }
    })
  }

  /** IDs of recipes whose paths are still in the store, SHA-256 in hex: the next release names most of them. */
  async needed(): Promise<string[]> {
    const { store, table } = this.#components
    const known = new Map<string, Remembered | undefined>()
    for await (const [path, bytes] of table.entries()) known.set(path, rememberedFrom(bytes))
    // Where the store can't be asked, all count as being there.
    const valid = await store.validPaths([...known.keys()]).catch(() => new Set(known.keys()))
    for (const path of known.keys()) if (!valid.has(path)) await table.delete(path)
    return [...known].flatMap(([path, about]) => (about && valid.has(path) ? [toHex(about.recipe)] : []))
  }

  async #recall(infos: readonly PathInfo[]): Promise<Map<string, Remembered>> {
    const { table, documents, damaged, store } = this.#components
    const suspect = new Set(damaged.all)
    const recalled = new Map<string, Remembered>()
    for (const info of infos) {
      const known = rememberedFrom(await table.get(info.path))
      // The same path may have been collected and built again, with other bytes.
      const fits = known !== undefined && !suspect.has(info.path) && equalBytes(known.narHash, info.narHash)
      if (!fits || (await documents.document(known.recipe)) === undefined) continue
      const stamp = await stampOf(store.realPath(info.path))
      if (stamp && known.stamp && equalBytes(stamp, known.stamp)) recalled.set(info.path, known)
    }
    return recalled
  }

  async #make(fresh: readonly PathInfo[], into: Map<string, Remembered>, onProgress: RecipeProgress): Promise<void> {
    const pool = new RecipePool()
    pool.start()
    try {
      let made = 0
      onProgress(made, fresh.length)
      const making = fresh.map(async info => {
        into.set(info.path, await this.#makeOne(pool, info))
        onProgress(++made, fresh.length)
      })
      await Promise.all(making)
    } finally {
      await pool.stop()
    }
  }

  async #makeOne(pool: RecipePool, { path, narHash, narSize, references }: PathInfo): Promise<Remembered> {
    const { store, documents, table, damaged } = this.#components
    const job = { path, narHash, narSize, references, directory: store.realPath(path) }
    const recipe = await pool.make(job).catch(async thrown => {
      if (thrown instanceof ThreadError && thrown.code === 'nar-mismatch') await damaged.found(path)
      throw thrown
    })
    const { id, stamp } = recipe
    const known = { narHash, recipe: id, references: [...recipe.references], ...(stamp && { stamp }) }
    await documents.keepDocument(recipe.bytes)
    await table.put(path, rememberedCodec.encode(known))
    return known
  }
}

/** Nothing when it can't be read: it is made anew. */
function rememberedFrom(bytes: Uint8Array | undefined): Remembered | undefined {
  try {
    return bytes && rememberedCodec.decode(bytes)
  } catch {
    return undefined
  }
}
