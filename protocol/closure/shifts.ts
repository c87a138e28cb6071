/** Shifts: how far the content of large NARs has moved between two versions, so that delta bases are taken at the right place. */

import { z } from 'zod'
import { type Codec, codec, FormatError } from '../encoding/cbor.ts'
import { bytesSchema, formatVersion } from '../encoding/fields.ts'
import { hashLength, toHex } from '../encoding/hash.ts'
import { packVarints, unpackVarints } from '../encoding/varint.ts'
import { messageOf } from '../errors.ts'

/** The part of a NAR that has one shift, in bytes. Part of the format. */
export const shiftCellBytes = 256 * 1024
/** Shifts are counted in KiB: a delta base is much larger. Part of the format. */
export const shiftUnitBytes = 1024

/** Limits of a document of shifts. */
export const shiftLimits = {
  /** The largest NAR that shifts are made for, in bytes; no content can have moved further. */
  narSize: 1024 ** 3,
  /** Cells of one NAR. */
  cells: 1024 ** 3 / shiftCellBytes,
  /** Pairs of versions in one document. */
  pairs: 64,
  /** Packed shifts of one pair, in bytes: four for each cell. */
  packed: (4 * 1024 ** 3) / shiftCellBytes,
  /** The whole document in bytes. */
  document: 256 * 1024,
} as const

/** The largest shift in units, in either direction. */
const largestShift = shiftLimits.narSize / shiftUnitBytes

/** Where the content of a new version is found in an old one. */
export interface Shifts {
  /** SHA-256 of the old and of the new version's recipe. */
  readonly from: Uint8Array
  readonly to: Uint8Array
  /** For each cell of the new NAR, old place minus new one, in KiB; undefined where none is known. */
  readonly cells: readonly (number | undefined)[]
}

const documentSchema = z.strictObject({
  v: formatVersion,
  /** Sorted by `from`, then `to`. */
  pairs: z
    .array(
      z.strictObject({
        from: bytesSchema(hashLength),
        to: bytesSchema(hashLength),
        /** For each cell a varint: 0 without a shift, else 1 plus the zigzag of the difference to the last one. */
        cells: bytesSchema(1, shiftLimits.packed),
      }),
    )
    .min(1)
    .max(shiftLimits.pairs),
})
const documentCodec = codec('document of shifts', shiftLimits.document, documentSchema)

/**
 * A document of shifts. `encode` takes pairs in any order. It has one encoding only: pairs are in order, and cells end with a known
 * shift. Both throw a FormatError for what breaks a rule or a bound.
 */
export const shiftsCodec: Codec<readonly Shifts[]> = {
  name: documentCodec.name,
  maxBytes: documentCodec.maxBytes,
  encode: shifts => {
    const pairs = shifts
      .map(({ from, to, cells }) => ({ from, to, cells: packCells(cells) }))
      .toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
    const bytes = documentCodec.encode({ v: 1, pairs })
    decodeShifts(bytes)
    return bytes
  },
  decode: decodeShifts,
}

function decodeShifts(bytes: Uint8Array): Shifts[] {
  const { pairs } = documentCodec.decode(bytes)
  try {
    let last = ''
    return pairs.map(pair => {
      if (keyOf(pair) <= last) throw new RangeError('expected each pair once, in order')
      last = keyOf(pair)
      return { from: pair.from, to: pair.to, cells: unpackCells(pair.cells) }
    })
  } catch (thrown) {
    throw new FormatError('malformed', `not a valid document of shifts: ${messageOf(thrown)}`, { cause: thrown })
  }
}

/** The shift at an offset of the new NAR, in bytes; undefined where none is known. */
export function shiftAt({ cells }: Pick<Shifts, 'cells'>, offset: number): number | undefined {
  const units = cells[Math.floor(offset / shiftCellBytes)]
  return units === undefined ? undefined : units * shiftUnitBytes
}

function keyOf({ from, to }: Pick<Shifts, 'from' | 'to'>): string {
  return `${toHex(from)} ${toHex(to)}`
}

function packCells(cells: readonly (number | undefined)[]): Uint8Array {
  let last = 0
  const numbers = cells.map(cell => {
    if (cell === undefined) return 0
    const step = cell - last
    last = cell
    return 1 + (step < 0 ? -2 * step - 1 : 2 * step)
  })
  return packVarints(numbers)
}

function unpackCells(packed: Uint8Array): (number | undefined)[] {
  const numbers = unpackVarints(packed, shiftLimits.cells)
  if (numbers.at(-1) === 0) throw new RangeError('expected no cells without a shift at the end')
  let last = 0
  return numbers.map(number => {
    if (number === 0) return undefined
    const zigzag = number - 1
    last += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    if (Math.abs(last) > largestShift)
      throw new RangeError(`expected shifts of at most ${largestShift} KiB, got ${last}`)
    return last
  })
}
