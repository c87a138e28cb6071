/**
 * Makes a recipe: one pass over a NAR blanks its references, chunks it, and proves that the result restores the NAR.
 */

import { createHash } from 'node:crypto'
import { type Chunk, encodeRecipe, type Recipe, recipeId, recipeLimits } from '../../../protocol/closure/recipe.ts'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { parseStorePath } from '../../../protocol/nix/store-path.ts'
import { Chunker } from './chunker.ts'
import { Normaliser, restore } from './normalise.ts'

/** A NAR's bytes; a piece need be valid only until the next one. */
type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** A NAR that can be read from its beginning, again and again. */
interface Streamed {
  stream(): Pieces
}

/** Why a recipe could not be made. */
export class MakeRecipeError extends ThymeshError<'nar-mismatch' | 'nar-too-large'> {}

/** Nix's metadata of a path. */
export interface NarFacts {
  /** The full store path. */
  readonly path: string
  /** Full store paths, including a self-reference, as in Nix. */
  readonly references: readonly string[]
  /** SHA-256 of the NAR (32 bytes). */
  readonly narHash: Uint8Array
  /** The NAR's size in bytes. */
  readonly narSize: number
}

export interface MadeRecipe {
  readonly recipe: Recipe
  /** The recipe's canonical bytes, and its ID: their SHA-256. */
  readonly bytes: Uint8Array
  readonly id: Uint8Array
  /** The references in slot order, then those that don't occur in the NAR, sorted. */
  readonly references: readonly string[]
}

/**
 * Makes the recipe of a NAR.
 *
 * The same pass proves that the recipe restores the NAR: the hash that is compared with Nix's NAR hash isn't computed
 * over the NAR but over the result of `restore` on the normalised chunks. If the two differ, or if the NAR has more
 * references than a recipe can hold, a second pass chunks the NAR without normalising it. It fails only if the NAR
 * doesn't match Nix's registration.
 *
 * Only registered references are blanked, not every hash in the data: the closure descriptor maps the slots to
 * exactly the references that Nix signed.
 *
 * @throws MakeRecipeError `nar-mismatch` if the bytes aren't those that Nix registered (a damaged store),
 * `nar-too-large`; errors of `open`, and the signal's reason.
 */
async function makeRecipe(open: () => Pieces, facts: NarFacts, signal?: AbortSignal): Promise<MadeRecipe> {
  const references = [...new Set(facts.references)].sort()
  if (facts.narSize > recipeLimits.narSize) {
    const problem = `${facts.path}: expected a NAR of at most ${recipeLimits.narSize} bytes, got ${facts.narSize}`
    throw new MakeRecipeError('nar-too-large', problem)
  }
  const normalised = await attempt(open(), references, facts, signal)
  if (normalised !== undefined) return normalised
  const plain = await attempt(open(), references, facts, signal, 'plain')
  if (plain !== undefined) return plain
  throw new MakeRecipeError('nar-mismatch', `${facts.path}: its files are not those that Nix registered`, {
    hint: `Run as root: nix-store --repair-path ${facts.path} (and nix-store --verify-path to see that it is sound)`,
  })
}

/** {@link makeRecipe} for a NAR that can be read again. */
export function makeRecipeOf(source: Streamed, facts: NarFacts, signal?: AbortSignal): Promise<MadeRecipe> {
  return makeRecipe(() => source.stream(), facts, signal)
}

async function attempt(
  nar: Pieces,
  references: readonly string[],
  facts: NarFacts,
  signal: AbortSignal | undefined,
  form: 'normalised' | 'plain' = 'normalised',
): Promise<MadeRecipe | undefined> {
  const pass = new Pass(form === 'plain' ? [] : references)
  for await (const piece of nar) {
    signal?.throwIfAborted()
    if (!pass.push(piece) || pass.size > facts.narSize) return undefined
  }
  const made = pass.finish()
  if (pass.size !== facts.narSize || !equalBytes(made.narHash, facts.narHash)) return undefined
  const bytes = encodeRecipe(made.recipe)
  const occurring = new Set(made.order)
  const rest = references.filter(reference => !occurring.has(reference))
  return { recipe: made.recipe, bytes, id: recipeId(bytes), references: [...made.order, ...rest] }
}

/** One pass over a NAR. */
class Pass {
  size = 0
  readonly #references: readonly string[]
  readonly #hashParts: readonly string[]
  readonly #slotTexts: readonly Uint8Array[]
  readonly #normaliser: Normaliser
  readonly #chunker = new Chunker()
  readonly #chunks: Chunk[] = []
  readonly #narHash = createHash('sha256')
  #chunkHash = createHash('sha256')
  #chunkOffset = 0

  constructor(references: readonly string[]) {
    // Two paths with one hash part don't occur in honest stores; the first one represents both.
    const byHashPart = new Map(references.toReversed().map(path => [parseStorePath(path).hashPart, path]))
    this.#references = [...byHashPart.values()]
    this.#hashParts = [...byHashPart.keys()]
    this.#slotTexts = this.#hashParts.map(hashPart => Buffer.from(hashPart, 'latin1'))
    this.#normaliser = new Normaliser(this.#hashParts)
  }

  /** Consumes a piece; false if the NAR exceeds what a recipe can hold. */
  push(piece: Uint8Array): boolean {
    const known = this.#normaliser.count
    this.#take(this.#normaliser.push(piece), known)
    return this.#fits()
  }

  finish(): { recipe: Recipe; narHash: Uint8Array; order: readonly string[] } {
    this.#take(this.#normaliser.finish(), this.#normaliser.count)
    if (this.size > this.#chunkOffset) this.#closeChunk(this.size)
    const { order } = this.#normaliser
    return {
      recipe: {
        size: this.size,
        chunks: this.#chunks,
        slotCount: order.length,
        positions: this.#normaliser.positions(),
      },
      narHash: this.#narHash.digest(),
      order: order.map(candidate => this.#references[candidate] ?? ''),
    }
  }

  /** Consumes normalised bytes, in which the references from index `known` on were blanked. */
  #take(normal: Uint8Array, known: number): void {
    for (let start = 0; start < normal.length; ) {
      const border = this.#chunker.next(normal, start)
      const end = border === -1 ? normal.length : border
      this.#chunkHash.update(normal.subarray(start, end))
      if (border !== -1) this.#closeChunk(this.size + border)
      start = end
    }
    const slots = this.#normaliser.order.map(candidate => this.#slotTexts[candidate] ?? new Uint8Array())
    this.#narHash.update(restore(normal, this.size, this.#normaliser.positions(known), slots))
    this.size += normal.length
  }

  #closeChunk(end: number): void {
    const hash = new Uint8Array(this.#chunkHash.digest())
    this.#chunks.push({ hash, offset: this.#chunkOffset, length: end - this.#chunkOffset })
    this.#chunkHash = createHash('sha256')
    this.#chunkOffset = end
  }

  #fits(): boolean {
    const { count, order } = this.#normaliser
    return count <= recipeLimits.positionCount && order.length <= recipeLimits.slotCount
  }
}
