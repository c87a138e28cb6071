/** Finds how far the content of each part of a new stream has moved against an old one, by the landmarks of both. */

import { shiftCellBytes, shiftUnitBytes } from '../../../protocol/closure/shifts.ts'
import type { Landmarks } from './landmarks.ts'

/** Shifts are counted in bins of this size; a delta base is eight times as large. */
const binBytes = 64 * 1024
/** A shift that fewer landmarks agree on may be a coincidence. */
const leastVotes = 3
/** How many cells to either side may help a cell that has too few landmarks of its own. */
const helpingCells = [0, 1, 4]

/** A landmark of the new stream that the old one has once, too: where, and old place minus new one. */
interface Match {
  readonly at: number
  readonly shift: number
}

/** For each cell of a new stream of `size` bytes the shift in KiB that most landmarks share; undefined where too few do. */
export function findShifts(before: Landmarks, after: Landmarks, size: number): (number | undefined)[] {
  const matches = matchesOf(before, after)
  const firstAt = (offset: number) => lowerBound(matches, offset)
  return Array.from({ length: Math.ceil(size / shiftCellBytes) }, (_, cell) => {
    for (const help of helpingCells) {
      const [low, high] = [cell - help, cell + 1 + help].map(each => firstAt(each * shiftCellBytes))
      const shift = commonShift(matches.slice(low, high))
      if (shift !== undefined) return Math.round(shift / shiftUnitBytes)
    }
    return undefined
  })
}

/** In order of their places. Landmarks that either stream has more than once tell nothing. */
function matchesOf(before: Landmarks, after: Landmarks): Match[] {
  const old = places(before)
  const fresh = places(after)
  return after.offsets.flatMap((at, i) => {
    const key = after.keys[i] ?? 0
    const place = old.get(key) ?? -1
    return place === -1 || fresh.get(key) === -1 ? [] : [{ at, shift: place - at }]
  })
}

/** The offset of each key, or -1 if there is more than one. */
function places({ offsets, keys }: Landmarks): Map<number, number> {
  const found = new Map<number, number>()
  keys.forEach((key, i) => {
    found.set(key, found.has(key) ? -1 : (offsets[i] ?? -1))
  })
  return found
}

/** The median of the shifts in the two neighbouring bins that hold most of them. */
function commonShift(matches: readonly Match[]): number | undefined {
  const bins = Map.groupBy(matches, ({ shift }) => Math.floor(shift / binBytes))
  let best: readonly Match[] = []
  for (const [bin, inside] of bins) {
    const both = inside.length + (bins.get(bin + 1)?.length ?? 0)
    if (both > best.length) best = [...inside, ...(bins.get(bin + 1) ?? [])]
  }
  if (best.length < leastVotes) return undefined
  const shifts = best.map(({ shift }) => shift).toSorted((one, other) => one - other)
  return shifts[shifts.length >>> 1]
}

/** The index of the first match at or after an offset. */
function lowerBound(matches: readonly Match[], offset: number): number {
  let low = 0
  let high = matches.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((matches[middle]?.at ?? 0) < offset) low = middle + 1
    else high = middle
  }
  return low
}
