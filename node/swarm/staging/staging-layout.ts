/** The layout of a closure's staging: a limited number of sparse files, each for adjacent paths. */

import type { ChunkList } from '../chunks/chunk-list.ts'

/**
 * Files of a closure; at most twice as many, and one. All stay open: chunks arrive in any order, and opening a file
 * costs as much as a write.
 */
const stagingFiles = 32

/** Paths share a file until it has this size; otherwise thousands of small paths would have a file each. */
const minFileBytes = 8 * 1024 ** 2

/** One file with consecutive chunks, `from` to `to` (exclusive). */
export interface StagedRange {
  readonly from: number
  readonly to: number
  /** The number of paths whose first chunks are in it: it is removed when all have been released. */
  readonly paths: number
}

/**
 * Chunks are numbered by first occurrence, so the chunks that occur first in a path are a range of numbers. So are
 * those of adjacent paths in the descriptor, which are imported at about the same time. A path that fills a file has
 * its own. The layout isn't stored: it follows from descriptor and recipes.
 */
export class StagingLayout {
  readonly ranges: readonly StagedRange[]
  /** The byte offset of each chunk in its file. */
  readonly offsets: Float64Array
  readonly #list: ChunkList
  /** The first chunk number of each path, and the end of the last. */
  readonly #starts: Float64Array
  readonly #rangeOfPath: Uint32Array
  readonly #pathIndex: ReadonlyMap<string, number>

  constructor(list: ChunkList) {
    this.#list = list
    this.#starts = startsOf(list)
    this.#rangeOfPath = new Uint32Array(list.paths.length)
    this.#pathIndex = new Map(list.paths.map(({ described }, i) => [described.path, i]))
    this.offsets = new Float64Array(list.count)
    this.ranges = this.#cut()
  }

  /** The index of the file of a chunk. */
  rangeOf(number: number): number {
    let low = 0
    let high = this.ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.ranges[middle]?.to ?? 0) > number) high = middle
      else low = middle + 1
    }
    return low
  }

  /** The chunks that occur first in a path, and their file. */
  ofPath(path: string): { index: number; from: number; to: number; range: number } | undefined {
    const index = this.#pathIndex.get(path)
    if (index === undefined) return undefined
    const [from, to] = [this.#starts[index] ?? 0, this.#starts[index + 1] ?? 0]
    return { index, from, to, range: this.#rangeOfPath[index] ?? 0 }
  }

  #cut(): StagedRange[] {
    const { lengths, paths } = this.#list
    const total = lengths.reduce((sum, length) => sum + length, 0)
    const enough = Math.max(minFileBytes, total / stagingFiles)
    const ranges: { from: number; to: number; paths: number }[] = []
    let filled = Number.POSITIVE_INFINITY
    for (let path = 0; path < paths.length; path++) {
      const [from, to] = [this.#starts[path] ?? 0, this.#starts[path + 1] ?? 0]
      let bytes = 0
      for (let number = from; number < to; number++) bytes += lengths[number] ?? 0
      if (filled >= enough || bytes >= enough) {
        ranges.push({ from, to: from, paths: 0 })
        filled = 0
      }
      const range = ranges.at(-1)
      if (range === undefined) continue
      for (let number = from; number < to; number++) {
        this.offsets[number] = filled
        filled += lengths[number] ?? 0
      }
      range.to = to
      range.paths++
      this.#rangeOfPath[path] = ranges.length - 1
    }
    return ranges
  }
}

function startsOf({ paths }: ChunkList): Float64Array {
  const starts = new Float64Array(paths.length + 1)
  let next = 0
  paths.forEach(({ chunks }, path) => {
    starts[path] = next
    for (const number of chunks) next = Math.max(next, number + 1)
  })
  starts[paths.length] = next
  return starts
}
