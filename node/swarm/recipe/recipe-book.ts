/** The recipe book: maps store paths to their recipes, so that chunks can be read from any path of the store. */

import type { Level } from 'level'
import { decodeRecipe, type Recipe } from '../../../protocol/closure/recipe.ts'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import type { StorePath } from '../../../protocol/nix/store-path.ts'
import type { Logger } from '../../process/log.ts'

/** The part of it that reading chunks needs. */
export interface Recipes {
  /** Whether a path's recipe is known. */
  has(path: StorePath): Promise<boolean>
  /** A path's recipe; undefined if it isn't known or its document is gone. */
  recipeFor(path: StorePath): Promise<Recipe | undefined>
  /** Records a path's recipe by its ID; the recipe itself is stored as a document. */
  remember(path: StorePath, recipeId: Uint8Array): Promise<void>
  forget(path: StorePath): Promise<void>
}

export interface RecipeBookComponents {
  /** A stored document by its SHA-256. */
  readonly document: (hash: Uint8Array) => Promise<Uint8Array | undefined>
  readonly log: Pick<Logger, 'warn'>
}

/** Store path → ID of its recipe, in LevelDB; the recipes themselves are documents. */
export class RecipeBook implements Recipes {
  readonly #ids: ReturnType<typeof idsOf>
  readonly #components: RecipeBookComponents

  /** Takes an open database and uses its sublevel `recipe-ids`. */
  constructor(db: Level, components: RecipeBookComponents) {
    this.#ids = idsOf(db)
    this.#components = components
  }

  has(path: StorePath): Promise<boolean> {
    return this.#ids.has(path)
  }

  /** The ID of a path's recipe; undefined if it isn't known. */
  idFor(path: StorePath): Promise<Uint8Array | undefined> {
    return this.#ids.get(path)
  }

  async recipeFor(path: StorePath): Promise<Recipe | undefined> {
    const id = await this.#ids.get(path)
    return id && (await this.recipe(id))
  }

  /** A recipe by its ID; undefined if it isn't here or the document isn't a recipe. */
  async recipe(id: Uint8Array): Promise<Recipe | undefined> {
    const bytes = await this.#components.document(id)
    try {
      return bytes && decodeRecipe(bytes)
    } catch (thrown) {
      this.#components.log.warn({ recipe: toHex(id), reason: messageOf(thrown) }, 'a stored recipe was skipped')
      return undefined
    }
  }

  remember(path: StorePath, recipeId: Uint8Array): Promise<void> {
    return this.#ids.put(path, recipeId)
  }

  forget(path: StorePath): Promise<void> {
    return this.#ids.del(path)
  }

  /** All recorded paths, and the recipes that must be kept for them. */
  entries(): AsyncIterable<[StorePath, Uint8Array]> {
    return this.#ids.iterator()
  }
}

const idsOf = (db: Level) => db.sublevel<StorePath, Uint8Array>('recipe-ids', { valueEncoding: 'view' })
