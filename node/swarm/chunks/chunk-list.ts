/** The chunks of a closure, numbered: what two peers that have the same descriptor and recipes speak of. */

import { type Closure, type DescribedPath, referencesOf } from '../../../protocol/closure/closure.ts'
import type { Recipe } from '../../../protocol/closure/recipe.ts'
import { hashLength, toHex } from '../../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { hashPartLength, storeDir } from '../../../protocol/nix/store-path.ts'

export class ChunkListError extends ThymeshError<'missing-recipe' | 'wrong-recipe'> {}

/** One path of the closure, with what rebuilds its NAR. */
export interface PathChunks {
  readonly described: DescribedPath
  /** Full store paths of its references, in slot order. */
  readonly references: readonly string[]
  readonly recipe: Recipe
  /** The hash parts that stand in the recipe's slots, as ASCII: what `restore` takes. */
  readonly slots: readonly Uint8Array[]
  /** Numbers of its chunks, in the order of the NAR: as many as `recipe.chunks`. */
  readonly chunks: Uint32Array
}

/** Where a chunk stands first: its path, and its place among that path's chunks. */
export interface ChunkPlace {
  readonly path: PathChunks
  readonly place: number
}

/**
 * Chunks are numbered by first occurrence over the descriptor's paths, each different chunk once. Both ends of a transfer
 * come to the same numbers, since descriptor and recipes are named by their hashes.
 */
export class ChunkList {
  readonly paths: readonly PathChunks[]
  /** How many different chunks there are. */
  readonly count: number
  /** Bytes of each chunk. */
  readonly lengths: Uint32Array
  readonly #hashes: Uint8Array
  readonly #firstPath: Uint32Array
  readonly #firstPlace: Uint32Array

  /** `recipes` by their ID in hex. Throws a ChunkListError when one is missing or isn't of its path's size. */
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

  /** Where a chunk stands first in the closure. */
  placeOf(number: number): ChunkPlace {
    const path = this.paths[this.#firstPath[number] ?? 0]
    if (number >= this.count || path === undefined) throw new RangeError(`no chunk ${number} of ${this.count}`)
    return { path, place: this.#firstPlace[number] ?? 0 }
  }
}

function recipeOf(described: DescribedPath, recipes: ReadonlyMap<string, Recipe>): Recipe {
  const recipe = recipes.get(toHex(described.recipe))
  if (recipe === undefined) {
    throw new ChunkListError('missing-recipe', `expected the recipe of ${described.path}, it is not here`)
  }
  if (recipe.size !== described.narSize || recipe.slotCount > described.references.length) {
    throw new ChunkListError('wrong-recipe', `the recipe of ${described.path} doesn't fit its NAR`)
  }
  return recipe
}

function hashPartOf(path: string): Uint8Array {
  return Buffer.from(path.slice(storeDir.length + 1, storeDir.length + 1 + hashPartLength), 'latin1')
}
