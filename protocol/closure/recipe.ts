/** Recipes: how to rebuild one NAR out of chunks in which the hashes of its references are blanked. */

import { z } from 'zod'
import { codec, FormatError } from '../encoding/cbor.ts'
import { bytesSchema, formatVersion } from '../encoding/fields.ts'
import { hashLength, sha256 } from '../encoding/hash.ts'
import { packVarints, unpackVarints } from '../encoding/varint.ts'
import { messageOf } from '../errors.ts'
import { type Positions, packPositions, unpackPositions } from './positions.ts'

/** Bounds of a recipe, in bytes unless the name says otherwise; tighter than a NAR's own, so that one fits in memory. */
export const recipeLimits = {
  /** A NAR; the largest store paths known (CUDA, games) are below 20 GiB. */
  narSize: 64 * 1024 ** 3,
  /** One chunk: what one request of the swarm carries, held in memory whole while it is verified. */
  chunkSize: 256 * 1024,
  /** Chunks of one NAR: the largest NAR in chunks of the smallest average that any chunker would use. */
  chunkCount: 1024 ** 2,
  /** Different references in one NAR; a NixOS system closure has some thousand paths in all. */
  slotCount: 65_536,
  /** References in one NAR, each time they occur. */
  positionCount: 1024 ** 2,
  /** Packed positions: at most 6 bytes a gap and 3 a slot. */
  positionsSize: 9 * 1024 ** 2,
  /** The whole document: 35 bytes a chunk, and the positions. */
  recipeSize: 45 * 1024 ** 2,
} as const

/** Stands in for each byte of a reference's hash in a chunk: `_`, which is no nix32 character. Wire-stable. */
export const filler = 0x5f

/** A piece of a normalised NAR. */
export interface Chunk {
  /** SHA-256 of the chunk's normalised bytes: 32 bytes. */
  readonly hash: Uint8Array
  /** Where it begins in the NAR. */
  readonly offset: number
  /** 1 byte to 256 KiB. */
  readonly length: number
}

/**
 * How to rebuild one NAR. Nothing in it depends on the hash of the path or of a reference: a rebuild that changed only
 * hashes has the same recipe. Which store path a slot stands for is said by the closure descriptor.
 */
export interface Recipe {
  /** Bytes of the NAR. */
  readonly size: number
  /** In order, without gaps: together they are the NAR. */
  readonly chunks: readonly Chunk[]
  /** How many different references occur in the NAR. */
  readonly slotCount: number
  readonly positions: Positions
}

/** The document as it is encoded: columns of packed bytes, since an object a chunk would cost a tenth more. */
const columnsCodec = codec(
  'recipe',
  recipeLimits.recipeSize,
  z.strictObject({
    v: formatVersion,
    size: z.int().min(1).max(recipeLimits.narSize),
    /** Chunks' SHA-256, one after the other. */
    hashes: bytesSchema(hashLength, recipeLimits.chunkCount * hashLength),
    /** Chunks' lengths as varints. */
    lengths: bytesSchema(1, recipeLimits.chunkCount * 3),
    slots: z.int().min(0).max(recipeLimits.slotCount),
    positions: bytesSchema(0, recipeLimits.positionsSize),
  }),
)

/**
 * The canonical bytes of a recipe.
 *
 * @throws FormatError when it is none that {@link decodeRecipe} would take.
 */
export function encodeRecipe({ size, chunks, slotCount, positions }: Recipe): Uint8Array {
  const hashes = new Uint8Array(chunks.length * hashLength)
  chunks.forEach(({ hash }, i) => {
    hashes.set(hash, i * hashLength)
  })
  const lengths = packVarints(chunks.map(({ length }) => length))
  const columns = { v: 1 as const, size, hashes, lengths, slots: slotCount, positions: packPositions(positions) }
  // A copy, since the encoder's bytes may lie in a shared slab that would cross to another thread whole.
  const bytes = new Uint8Array(columnsCodec.encode(columns))
  decodeRecipe(bytes)
  return bytes
}

/**
 * Reads a recipe, with every bound checked: chunks that sum up to the NAR's size, positions in order and within it,
 * slots by first occurrence. The packed columns have one encoding each, as the document around them has, so equal
 * recipes have equal bytes.
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

/** What a recipe is called: SHA-256 of its canonical bytes, 32 bytes; what its CID holds. */
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
