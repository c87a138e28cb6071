/** An ordered set of small numbers: adding, removing and finding the next one take a few steps, whatever the size. */

/** A tree of bit words: a bit means that the word below it isn't empty. */
export class RankSet {
  readonly #levels: Uint32Array[] = []
  #count = 0

  /** For numbers from 0 to `size` - 1. */
  constructor(size: number) {
    let words = size
    do {
      words = Math.max(1, Math.ceil(words / 32))
      this.#levels.push(new Uint32Array(words))
    } while (words > 1)
  }

  get count(): number {
    return this.#count
  }

  has(rank: number): boolean {
    return ((this.#levels[0]?.[rank >>> 5] ?? 0) & (1 << (rank & 31))) !== 0
  }

  /** Adds or removes a number. Returns whether the set changed. */
  toggle(rank: number, there: boolean): boolean {
    if (this.has(rank) === there) return false
    this.#count += there ? 1 : -1
    let at = rank
    for (const level of this.#levels) {
      const word = at >>> 5
      const before = level[word] ?? 0
      level[word] = there ? before | (1 << (at & 31)) : before & ~(1 << (at & 31))
      // Upper levels change only when a word becomes empty or non-empty.
      if (there ? before !== 0 : level[word] !== 0) break
      at = word
    }
    return true
  }

  /** The first number from `from` on; -1 if there is none. */
  next(from: number): number {
    let at = from
    for (let height = 0; height < this.#levels.length; height++) {
      const level = this.#levels[height] as Uint32Array
      const word = at >>> 5
      if (word >= level.length) return -1
      const bits = (level[word] as number) & (-1 << (at & 31))
      if (bits !== 0) return this.#descend(height, word * 32 + lowest(bits))
      at = word + 1
    }
    return -1
  }

  #descend(height: number, bit: number): number {
    let at = bit
    for (let below = height - 1; below >= 0; below--) {
      at = at * 32 + lowest(this.#levels[below]?.[at] as number)
    }
    return at
  }
}

function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits)
}
