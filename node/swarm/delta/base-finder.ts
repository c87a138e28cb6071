/** Finds local delta bases for the missing chunks of a closure: runs of chunks in older versions of the same paths. */

import type { Recipe } from '../../../protocol/closure/recipe.ts'
import type { Shifts } from '../../../protocol/closure/shifts.ts'
import { toHex } from '../../../protocol/encoding/hash.ts'
import type { Base } from '../../../protocol/messages/swarm.ts'
import type { StorePath } from '../../../protocol/nix/store-path.ts'
import type { ChunkIndex } from '../chunks/chunk-index.ts'
import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import { baseCandidates, shiftsFromBytes } from '../limits.ts'
import type { RecipeBook } from '../recipe/recipe-book.ts'
import { align } from './align.ts'
import { packageNameOf } from './bases.ts'
import type { ShiftBook } from './released-shifts.ts'

export interface BaseFinderComponents {
  readonly list: ChunkList
  readonly index: Pick<ChunkIndex, 'paths'>
  readonly recipes: Pick<RecipeBook, 'idFor' | 'recipeFor'>
  /** How far the content of large paths has moved, as far as that is known. */
  readonly shifts: () => Promise<ShiftBook>
}

/** An older version of a path. */
interface Old {
  readonly path: StorePath
  readonly recipe: Recipe
  readonly id: Uint8Array
  /** How far the content has moved since it. */
  readonly shifts: Shifts | undefined
  /** The bytes of chunks that the new version has, too. */
  readonly shared: number
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
    let book: ShiftBook | undefined
    for (const path of lacking) {
      const old = families.get(packageNameOf(path.described.path))?.filter(each => each !== path.described.path)
      if (old === undefined || old.length === 0) continue
      if (path.recipe.size >= shiftsFromBytes) book ??= await this.#components.shifts()
      await this.#findIn(path, old, isLacking, book)
    }
  }

  async #findIn(
    path: PathChunks,
    old: readonly StorePath[],
    isLacking: (number: number) => boolean,
    book: ShiftBook | undefined,
  ): Promise<void> {
    const best = await this.#nearest(path, old, book)
    if (best === undefined) return
    align(best.recipe, path.recipe, best.shifts).forEach((run, place) => {
      const number = path.chunks[place] ?? 0
      if (run === undefined || run.count === 0 || !isLacking(number)) return
      // A chunk that occurs earlier elsewhere has its delta base there. Compared by name, since the path and the list
      // may come from separate readings of the closure.
      if (this.#components.list.placeOf(number).path.described.path !== path.described.path) return
      this.#bases.set(number, { recipe: best.id, ...run })
    })
  }

  /** The old version that promises the smallest deltas. */
  async #nearest(
    { recipe, described }: PathChunks,
    old: readonly StorePath[],
    book: ShiftBook | undefined,
  ): Promise<Old | undefined> {
    const { recipes } = this.#components
    const hashes = new Set(recipe.chunks.map(({ hash }) => toHex(hash)))
    let best: Old | undefined
    for (const path of old.slice(0, baseCandidates)) {
      const [found, id] = [await recipes.recipeFor(path), await recipes.idFor(path)]
      if (found === undefined || id === undefined) continue
      const shared = found.chunks.reduce((sum, { hash, length }) => sum + (hashes.has(toHex(hash)) ? length : 0), 0)
      const each = { path, recipe: found, id, shifts: book?.(id, described.recipe), shared }
      if (best === undefined || isNearer(each, best, recipe.size)) best = each
    }
    return best
  }
}

/** Whether it shares more bytes with the new version, of so many; known shifts save about an eighth. Else the nearest size decides. */
function isNearer(one: Old, other: Old, size: number): boolean {
  const worth = ({ shared, shifts }: Old) => shared + (shifts === undefined ? 0 : size / 8)
  const distance = ({ recipe }: Old) => Math.abs(recipe.size - size)
  return worth(one) > worth(other) || (worth(one) === worth(other) && distance(one) < distance(other))
}
