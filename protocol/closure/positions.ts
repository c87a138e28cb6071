/** Reference positions in a NAR: the offset of each store path hash, and the slot that it belongs to. */

import { packVarints, unpackVarints } from '../encoding/varint.ts'
import { nix32Length } from '../nix/base32.ts'

/** Bytes of a reference: the store path's hash part. The rest of the path, its name, stays in the chunks. */
export const referenceLength = nix32Length(20)

/** Replaces each byte of a reference's hash in a chunk: `_`, which isn't a nix32 character. Part of the wire format. */
export const filler = 0x5f

/** Reference positions in ascending order without overlap. Two typed arrays, since a NAR can have many thousands. */
export interface Positions {
  /** Byte offsets in the NAR where the hash parts begin. */
  readonly offsets: Float64Array
  /** The slot at each offset. Slots are numbered by first occurrence. */
  readonly slots: Uint32Array
}

/** Packs positions as varints: for each one the gap since the end of the previous one, then its slot. */
export function packPositions({ offsets, slots }: Positions): Uint8Array {
  const numbers = new Float64Array(offsets.length * 2)
  let end = 0
  offsets.forEach((offset, i) => {
    numbers[2 * i] = offset - end
    numbers[2 * i + 1] = slots[i] ?? 0
    end = offset + referenceLength
  })
  return packVarints(numbers)
}

/**
 * Unpacks positions. Throws a RangeError if there are more than `maxCount`, if one reaches beyond `size` bytes, or if
 * the slots aren't 0 … `slotCount` - 1 in order of first occurrence.
 */
export function unpackPositions(
  bytes: Uint8Array,
  { slotCount, size, maxCount }: { slotCount: number; size: number; maxCount: number },
): Positions {
  const numbers = unpackVarints(bytes, 2 * maxCount)
  if (numbers.length % 2 !== 0) throw new RangeError('expected positions as pairs of gap and slot')
  const count = numbers.length / 2
  const offsets = new Float64Array(count)
  const slots = new Uint32Array(count)
  let end = 0
  let seen = 0
  for (let i = 0; i < count; i++) {
    const offset = end + (numbers[2 * i] ?? 0)
    const slot = numbers[2 * i + 1] ?? 0
    end = offset + referenceLength
    if (end > size) throw new RangeError(`expected positions within ${size} bytes, got one at ${offset}`)
    if (slot > seen) throw new RangeError(`expected slots by first occurrence: ${seen} before ${slot}`)
    if (slot === seen) seen++
    offsets[i] = offset
    slots[i] = slot
  }
  if (seen !== slotCount) throw new RangeError(`expected positions of ${slotCount} slots, got ${seen}`)
  return { offsets, slots }
}

/** Binary search for the first position whose text extends beyond byte `start`; returns its index. */
export function firstPositionAfter({ offsets }: Positions, start: number): number {
  let low = 0
  let high = offsets.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((offsets[middle] ?? 0) + referenceLength > start) high = middle
    else low = middle + 1
  }
  return low
}
