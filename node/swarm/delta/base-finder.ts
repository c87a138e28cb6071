/** Finds local delta bases for the missing chunks of a closure: runs of chunks in older versions of the same paths. */

import type { Recipe } from '../../../protocol/closure/recipe.ts'
import { toHex } from '../../../protocol/encoding/hash.ts'
import type { Base } from '../../../protocol/messages/swarm.ts'
import type { StorePath } from '../../../protocol/nix/store-path.ts'
import type { ChunkIndex } from '../chunks/chunk-index.ts'
import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import { baseCandidates } from '../limits.ts'
import type { RecipeBook } from '../recipe/recipe-book.ts'
import { align } from './align.ts'
import { packageNameOf } from './bases.ts'

export interface BaseFinderComponents {
  readonly list: ChunkList
  readonly index: Pick<ChunkIndex, 'paths'>
  readonly recipes: Pick<RecipeBook, 'idFor' | 'recipeFor'>
}

/** Delta bases for the chunks of one closure, as far as they have been searched. */
export class BaseFinder {
  readonly #components: BaseFinderComponents
  readonly #bases = new Map<number, Base>()

  constructor(components: BaseFinderComponents) {
    this.#components = components
  }

  /** A chunk's delta base; undefined if there is none. */
  baseOf(number: number): Base | undefined {
    return this.#bases.get(number)
  }

  /** Forgets a delta base that is no longer in the store, so that the chunk is fetched whole. */
  forget(number: number): void {
    this.#bases.delete(number)
  }

  /** Searches indexed store paths for delta bases of those chunks of `paths` that `isLacking` selects. */
  async find(paths: readonly PathChunks[], isLacking: (number: number) => boolean): Promise<void> {
    const lacking = paths.filter(({ chunks }) => chunks.some(isLacking))
    if (lacking.length === 0) return
    const families = Map.groupBy(await this.#components.index.paths(), packageNameOf)
    for (const path of lacking) {
      const old = families.get(packageNameOf(path.described.path))?.filter(each => each !== path.described.path)
      if (old !== undefined) await this.#findIn(path, old, isLacking)
    }
  }

  async #findIn(path: PathChunks, old: readonly StorePath[], isLacking: (number: number) => boolean): Promise<void> {
    const { list, recipes } = this.#components
    const best = await this.#nearest(path.recipe, old)
    const id = best && (await recipes.idFor(best.path))
    if (best === undefined || id === undefined) return
    align(best.recipe, path.recipe).forEach((run, place) => {
      const number = path.chunks[place] ?? 0
      if (run === undefined || run.count === 0 || !isLacking(number)) return
      // A chunk that occurs earlier elsewhere has its delta base there. Compared by name, since the path and the list
      // may come from separate readings of the closure.
      if (list.placeOf(number).path.described.path !== path.described.path) return
      this.#bases.set(number, { recipe: id, ...run })
    })
  }

  /** The old version that shares the most bytes with the new one; among equals, the one of the nearest size. */
  async #nearest(recipe: Recipe, old: readonly StorePath[]): Promise<{ path: StorePath; recipe: Recipe } | undefined> {
    const hashes = new Set(recipe.chunks.map(({ hash }) => toHex(hash)))
    let best: { path: StorePath; recipe: Recipe; shared: number } | undefined
    for (const path of old.slice(0, baseCandidates)) {
      const found = await this.#components.recipes.recipeFor(path)
      if (found === undefined) continue
      const shared = found.chunks.reduce((sum, { hash, length }) => sum + (hashes.has(toHex(hash)) ? length : 0), 0)
      const distance = (each: Recipe) => Math.abs(each.size - recipe.size)
      const isNearer =
        best === undefined ||
        shared > best.shared ||
        (shared === best.shared && distance(found) < distance(best.recipe))
      if (isNearer) best = { path, recipe: found, shared }
    }
    return best
  }
}
