/** Where each chunk of a closure is staged: a bounded number of sparse files, each for paths that stand side by side. */

import type { ChunkList } from '../chunks/chunk-list.ts'

/**
 * Files of a closure, at most twice as many and one: all stay open, since chunks come in any order and an open for each
 * would cost as much as its write.
 */
const stagingFiles = 32

/** Paths share a file until it holds this much: less would be a file for each of some thousand small paths. */
const minFileBytes = 8 * 1024 ** 2

/** One file: the chunks `from` to before `to`, one after the other. */
export interface StagedRange {
  readonly from: number
  readonly to: number
  /** How many paths have their first chunks in it: it goes when all have been released. */
  readonly paths: number
}

/**
 * Chunks are numbered by first occurrence, so those that a path is the first to have are a range of numbers, and so are
 * those of paths that stand side by side in the descriptor, which are imported at about the same time. A path that fills
 * a file has it for itself. Nothing of this is written down: descriptor and recipes say it.
 */
export class StagingLayout {
  readonly ranges: readonly StagedRange[]
  /** Byte offset of each chunk in its file. */
  readonly offsets: Float64Array
  readonly #list: ChunkList
  /** First chunk number of each path, and the end of the last. */
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

  /** Index of the file that a chunk lies in. */
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

  /** Which chunks a path is the first to have, and the file they lie in. */
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
