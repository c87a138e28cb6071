/** Aligns the chunks of two NARs: the delta base of a new chunk is the run of old chunks at the corresponding place. */

import type { Chunk, Recipe } from '../../../protocol/closure/recipe.ts'
import { type Shifts, shiftAt } from '../../../protocol/closure/shifts.ts'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { maxBaseBytes, maxBaseChunks } from '../../../protocol/messages/swarm.ts'
import { baseBytes } from '../limits.ts'

/** A run of a recipe's chunks. */
export interface Run {
  readonly first: number
  readonly count: number
}

/** A place that both NARs share. */
interface Anchor {
  readonly start: number
  readonly end: number
  readonly oldStart: number
  readonly oldEnd: number
}

/**
 * For each new chunk, the run of old chunks to use as its delta base; undefined if the old NAR contains the chunk.
 * Where `shifts` tell how far the content has moved, the run is there. Elsewhere shared chunks are anchors; between two
 * anchors, the position of a new chunk is interpolated. A wrong guess, or a shift that lies, only costs bytes.
 */
export function align(before: Recipe, after: Recipe, shifts?: Pick<Shifts, 'cells'>): (Run | undefined)[] {
  if (before.chunks.length === 0) return after.chunks.map(() => undefined)
  const anchors = anchorsOf(before, after)
  const runs: (Run | undefined)[] = []
  let at = 0
  for (const chunk of after.chunks) {
    while ((anchors[at + 1]?.end ?? Number.POSITIVE_INFINITY) <= chunk.offset) at++
    const [last, next] = [anchors[at], anchors[at + 1]]
    const isAnchor = next?.start === chunk.offset && next.end === chunk.offset + chunk.length
    const shift = shifts && shiftAt(shifts, middleOf(chunk))
    if (isAnchor || last === undefined || next === undefined) runs.push(undefined)
    else if (shift !== undefined) runs.push(runAround(before, middleOf(chunk) + shift))
    else runs.push(runNear(before, chunk, last, next))
  }
  return runs
}

/** Shared chunks in an order common to both, plus the beginnings and the ends. */
function anchorsOf(before: Recipe, after: Recipe): Anchor[] {
  const places = new Map<string, number[]>()
  before.chunks.forEach(({ hash }, place) => {
    const key = toHex(hash)
    const known = places.get(key)
    if (known === undefined) places.set(key, [place])
    else known.push(place)
  })
  const anchors: Anchor[] = [{ start: 0, end: 0, oldStart: 0, oldEnd: 0 }]
  let from = 0
  for (const { hash, offset, length } of after.chunks) {
    const place = places.get(toHex(hash))?.find(each => each >= from)
    const old = place === undefined ? undefined : before.chunks[place]
    if (place === undefined || old === undefined) continue
    from = place + 1
    anchors.push({ start: offset, end: offset + length, oldStart: old.offset, oldEnd: old.offset + old.length })
  }
  anchors.push({ start: after.size, end: after.size, oldStart: before.size, oldEnd: before.size })
  return anchors
}

/** The offset that a chunk's shift is looked up by. */
function middleOf({ offset, length }: Chunk): number {
  return offset + Math.floor(length / 2)
}

function runNear(before: Recipe, { offset, length }: Chunk, last: Anchor, next: Anchor): Run {
  const [low, high] = [last.oldEnd, next.oldStart]
  if (high > low && high - low <= baseBytes) return runOf(before, low, high)
  const share = (offset - last.end) / Math.max(1, next.start - last.end)
  return runAround(before, low + share * Math.max(0, high - low) + length / 2)
}

/** A run of the size of a delta base around an offset of the old NAR, which may lie beyond its ends. */
function runAround(before: Recipe, middle: number): Run {
  const inside = Math.max(baseBytes / 2, Math.min(before.size - baseBytes / 2, middle))
  return runOf(before, inside - baseBytes / 2, inside + baseBytes / 2)
}

/** The chunks that overlap the range between two offsets, as many as one request may name. */
function runOf({ chunks, size }: Recipe, start: number, end: number): Run {
  const first = placeAt(chunks, Math.max(0, Math.min(start, size - 1)))
  let count = 0
  let bytes = 0
  for (let place = first; place < chunks.length && count < maxBaseChunks; place++) {
    const chunk = chunks[place]
    if (chunk === undefined || (count > 0 && chunk.offset >= end)) break
    bytes += chunk.length
    if (bytes > maxBaseBytes) break
    count++
  }
  return { first, count }
}

/** The index of the last chunk that begins at or before an offset. */
function placeAt(chunks: readonly Chunk[], offset: number): number {
  let low = 0
  let high = chunks.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if ((chunks[middle]?.offset ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}
