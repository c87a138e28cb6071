/** The numbered chunks of a closure: peers with the same descriptor and recipes derive the same numbers. */

import { type Closure, type DescribedPath, referencesOf } from '../../../protocol/closure/closure.ts'
import type { Recipe } from '../../../protocol/closure/recipe.ts'
import { hashLength, toHex } from '../../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { hashPartLength, storeDir } from '../../../protocol/nix/store-path.ts'

export class ChunkListError extends ThymeshError<'missing-recipe' | 'wrong-recipe'> {}

/** One path of the closure, with everything needed to rebuild its NAR. */
export interface PathChunks {
  readonly described: DescribedPath
  /** Full store paths of its references, in slot order. */
  readonly references: readonly string[]
  readonly recipe: Recipe
  /** The hash parts of the recipe's slots as ASCII, for `restore`. */
  readonly slots: readonly Uint8Array[]
  /** Its chunk numbers, in the order of the NAR: one for each of `recipe.chunks`. */
  readonly chunks: Uint32Array
}

/** A chunk's first occurrence: its path, and its index among that path's chunks. */
export interface ChunkPlace {
  readonly path: PathChunks
  readonly place: number
}

/**
 * Chunks are numbered by first occurrence over the descriptor's paths, each distinct chunk once. Both ends of a
 * transfer derive the same numbers, since descriptor and recipes are identified by their hashes.
 */
export class ChunkList {
  readonly paths: readonly PathChunks[]
  /** The number of distinct chunks. */
  readonly count: number
  /** The size of each chunk in bytes. */
  readonly lengths: Uint32Array
  readonly #hashes: Uint8Array
  readonly #firstPath: Uint32Array
  readonly #firstPlace: Uint32Array

  /** `recipes` are keyed by ID in hex. Throws a ChunkListError if one is missing or doesn't match its path's size. */
  constructor(closure: Closure, recipes: ReadonlyMap<string, Recipe>) {
    const numbers = new Map<string, number>()
    const hashes: Uint8Array[] = []
    const lengths: number[] = []
    const firstPath: number[] = []
    const firstPlace: number[] = []
    this.paths = closure.paths.map((described, pathIndex) => {
      const recipe = recipeOf(described, recipes)
      const references = referencesOf(closure, described)
      const chunks = new Uint32Array(recipe.chunks.length)
      recipe.chunks.forEach(({ hash, length }, place) => {
        const key = Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('latin1')
        let number = numbers.get(key)
        if (number === undefined) {
          number = numbers.size
          numbers.set(key, number)
          hashes.push(hash)
          lengths.push(length)
          firstPath.push(pathIndex)
          firstPlace.push(place)
        }
        chunks[place] = number
      })
      return { described, references, recipe, slots: references.slice(0, recipe.slotCount).map(hashPartOf), chunks }
    })
    this.count = numbers.size
    this.lengths = Uint32Array.from(lengths)
    this.#firstPath = Uint32Array.from(firstPath)
    this.#firstPlace = Uint32Array.from(firstPlace)
    this.#hashes = new Uint8Array(this.count * hashLength)
    hashes.forEach((hash, number) => {
      this.#hashes.set(hash, number * hashLength)
    })
  }

  /** SHA-256 of a chunk's normalised bytes. */
  hash(number: number): Uint8Array {
    return this.#hashes.subarray(number * hashLength, (number + 1) * hashLength)
  }

  length(number: number): number {
    return this.lengths[number] ?? 0
  }

  /** A chunk's first occurrence in the closure. */
  placeOf(number: number): ChunkPlace {
    const path = this.paths[this.#firstPath[number] ?? 0]
    if (number >= this.count || path === undefined) throw new RangeError(`no chunk ${number} of ${this.count}`)
    return { path, place: this.#firstPlace[number] ?? 0 }
  }
}

function recipeOf(described: DescribedPath, recipes: ReadonlyMap<string, Recipe>): Recipe {
  const recipe = recipes.get(toHex(described.recipe))
  if (recipe === undefined) {
    throw new ChunkListError('missing-recipe', `expected the recipe of ${described.path}, which is missing`)
  }
  if (recipe.size !== described.narSize || recipe.slotCount > described.references.length) {
    throw new ChunkListError('wrong-recipe', `the recipe of ${described.path} doesn't fit its NAR`)
  }
  return recipe
}

function hashPartOf(path: string): Uint8Array {
  return Buffer.from(path.slice(storeDir.length + 1, storeDir.length + 1 + hashPartLength), 'latin1')
}
