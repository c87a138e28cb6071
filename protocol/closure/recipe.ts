/** Recipes: how to rebuild a NAR from chunks in which the hashes of its references are replaced by a filler. */

import { z } from 'zod'
import { codec, FormatError } from '../encoding/cbor.ts'
import { bytesSchema, formatVersion } from '../encoding/fields.ts'
import { hashLength, sha256 } from '../encoding/hash.ts'
import { packVarints, unpackVarints } from '../encoding/varint.ts'
import { messageOf } from '../errors.ts'
import { type Positions, packPositions, unpackPositions } from './positions.ts'

/**
 * Limits of a recipe, in bytes unless the name says otherwise. Tighter than a NAR's own, so that a recipe fits in
 * memory.
 */
export const recipeLimits = {
  /** A NAR; the largest store paths known (CUDA, games) are below 20 GiB. */
  narSize: 64 * 1024 ** 3,
  /** A chunk: it is requested as one unit and held in memory until it is verified. */
  chunkSize: 256 * 1024,
  /** Chunks of one NAR: the largest NAR divided by the smallest average chunk size of any chunker. */
  chunkCount: 1024 ** 2,
  /** Distinct references in one NAR. A whole NixOS system closure has a few thousand paths. */
  slotCount: 65_536,
  /** References in one NAR, counting repetitions. */
  positionCount: 1024 ** 2,
  /** Packed positions: at most 6 bytes for a gap and 3 for a slot. */
  positionsSize: 9 * 1024 ** 2,
  /** The whole document: 35 bytes for each chunk, and the positions. */
  recipeSize: 45 * 1024 ** 2,
} as const

/** A chunk of a normalised NAR. */
export interface Chunk {
  /** SHA-256 of the chunk's normalised bytes: 32 bytes. */
  readonly hash: Uint8Array
  /** Its offset in the NAR. */
  readonly offset: number
  /** 1 byte to 256 KiB. */
  readonly length: number
}

/**
 * How to rebuild one NAR. A recipe doesn't depend on the hash of the path or of a reference, so a rebuild that
 * changed only hashes has the same recipe. The closure descriptor maps slots to store paths.
 */
export interface Recipe {
  /** The NAR's size in bytes. */
  readonly size: number
  /** In order and without gaps; concatenated they are the NAR. */
  readonly chunks: readonly Chunk[]
  /** The number of distinct references in the NAR. */
  readonly slotCount: number
  readonly positions: Positions
}

/** The encoded document: packed columns, since one object for each chunk would cost a tenth more. */
const columnsCodec = codec(
  'recipe',
  recipeLimits.recipeSize,
  z.strictObject({
    v: formatVersion,
    size: z.int().min(1).max(recipeLimits.narSize),
    /** The chunks' SHA-256 hashes, concatenated. */
    hashes: bytesSchema(hashLength, recipeLimits.chunkCount * hashLength),
    /** The chunks' lengths as varints. */
    lengths: bytesSchema(1, recipeLimits.chunkCount * 3),
    slots: z.int().min(0).max(recipeLimits.slotCount),
    positions: bytesSchema(0, recipeLimits.positionsSize),
  }),
)

/**
 * The canonical bytes of a recipe.
 *
 * @throws FormatError if {@link decodeRecipe} would reject it.
 */
export function encodeRecipe({ size, chunks, slotCount, positions }: Recipe): Uint8Array {
  const hashes = new Uint8Array(chunks.length * hashLength)
  chunks.forEach(({ hash }, i) => {
    hashes.set(hash, i * hashLength)
  })
  const lengths = packVarints(chunks.map(({ length }) => length))
  const columns = { v: 1 as const, size, hashes, lengths, slots: slotCount, positions: packPositions(positions) }
  // A copy: the encoder's bytes may be a view of a shared slab, and a message to another thread would copy the slab
  // whole.
  const bytes = new Uint8Array(columnsCodec.encode(columns))
  decodeRecipe(bytes)
  return bytes
}

/**
 * Decodes a recipe and checks every bound: chunk lengths sum to the NAR's size, positions are in order and within it,
 * slots are numbered by first occurrence. Every column has one encoding only, so equal recipes have equal bytes.
 *
 * @throws FormatError
 */
export function decodeRecipe(bytes: Uint8Array): Recipe {
  const { size, hashes, lengths, slots, positions } = columnsCodec.decode(bytes)
  try {
    return {
      size,
      chunks: chunksOf(hashes, unpackVarints(lengths, recipeLimits.chunkCount), size),
      slotCount: slots,
      positions: unpackPositions(positions, { slotCount: slots, size, maxCount: recipeLimits.positionCount }),
    }
  } catch (thrown) {
    throw new FormatError('malformed', `not a valid recipe: ${messageOf(thrown)}`, { cause: thrown })
  }
}

/** A recipe's ID: the SHA-256 of its canonical bytes (32 bytes), as in its CID. */
export function recipeId(bytes: Uint8Array): Uint8Array {
  return sha256(bytes)
}

function chunksOf(hashes: Uint8Array, lengths: readonly number[], size: number): Chunk[] {
  if (hashes.length !== lengths.length * hashLength) {
    throw new RangeError(`expected ${lengths.length} hashes of ${hashLength} bytes, got ${hashes.length} bytes`)
  }
  let offset = 0
  const chunks = lengths.map((length, i) => {
    if (length < 1 || length > recipeLimits.chunkSize) {
      throw new RangeError(`expected chunks of 1 to ${recipeLimits.chunkSize} bytes, got one of ${length}`)
    }
    const chunk = { hash: hashes.subarray(i * hashLength, (i + 1) * hashLength), offset, length }
    offset += length
    return chunk
  })
  if (offset !== size) throw new RangeError(`expected chunks of ${size} bytes together, got ${offset}`)
  return chunks
}
