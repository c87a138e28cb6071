/** The recipe book: which recipe each store path has, so that chunks can be read out of any path of the store. */

import type { Level } from 'level'
import { decodeRecipe, type Recipe } from '../../../protocol/closure/recipe.ts'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import type { StorePath } from '../../../protocol/nix/store-path.ts'
import type { Logger } from '../../process/log.ts'

/** What reading chunks needs of it. */
export interface Recipes {
  /** Whether a path's recipe was remembered. */
  has(path: StorePath): Promise<boolean>
  /** A path's recipe; nothing when it was not remembered, or its document is gone. */
  recipeFor(path: StorePath): Promise<Recipe | undefined>
  /** Remembers what recipe a path has: the SHA-256 of its bytes, which are kept as a document. */
  remember(path: StorePath, recipeId: Uint8Array): Promise<void>
  forget(path: StorePath): Promise<void>
}

export interface RecipeBookComponents {
  /** A kept document by its SHA-256. */
  readonly document: (hash: Uint8Array) => Promise<Uint8Array | undefined>
  readonly log: Pick<Logger, 'warn'>
}

/** Store path → ID of its recipe, in LevelDB; the recipes themselves are documents. */
export class RecipeBook implements Recipes {
  readonly #ids: ReturnType<typeof idsOf>
  readonly #components: RecipeBookComponents

  /** Takes an open database, of which it uses the sublevel `recipe-ids`. */
  constructor(db: Level, components: RecipeBookComponents) {
    this.#ids = idsOf(db)
    this.#components = components
  }

  has(path: StorePath): Promise<boolean> {
    return this.#ids.has(path)
  }

  /** SHA-256 of a path's recipe; nothing when it was not remembered. */
  idFor(path: StorePath): Promise<Uint8Array | undefined> {
    return this.#ids.get(path)
  }

  async recipeFor(path: StorePath): Promise<Recipe | undefined> {
    const id = await this.#ids.get(path)
    return id && (await this.recipe(id))
  }

  /** A recipe by the SHA-256 of its bytes; nothing when it isn't here, or that document is no recipe. */
  async recipe(id: Uint8Array): Promise<Recipe | undefined> {
    const bytes = await this.#components.document(id)
    try {
      return bytes && decodeRecipe(bytes)
    } catch (thrown) {
      this.#components.log.warn({ recipe: toHex(id), reason: messageOf(thrown) }, 'a kept recipe was left out')
      return undefined
    }
  }

  remember(path: StorePath, recipeId: Uint8Array): Promise<void> {
    return this.#ids.put(path, recipeId)
  }

  forget(path: StorePath): Promise<void> {
    return this.#ids.del(path)
  }

  /** All that is remembered: paths, and the recipes that must be kept for them. */
  entries(): AsyncIterable<[StorePath, Uint8Array]> {
    return this.#ids.iterator()
  }
}

const idsOf = (db: Level) => db.sublevel<StorePath, Uint8Array>('recipe-ids', { valueEncoding: 'view' })
