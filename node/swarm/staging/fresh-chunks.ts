/** The chunks that were staged last: the kernel most likely has them in memory, so that reading them waits for no disk. */

import { totalmem } from 'node:os'

const MIB = 1024 ** 2
/** A 16th of the machine's memory, within these bounds: what was written before may have made room for other files. */
const mostFreshBytes = Math.max(16 * MIB, Math.min(128 * MIB, totalmem() / 16))

export class FreshChunks {
  readonly #lengthOf: (number: number) => number
  readonly #mostBytes: number
  /** The oldest first. */
  readonly #numbers = new Set<number>()
  #bytes = 0

  constructor(lengthOf: (number: number) => number, mostBytes = mostFreshBytes) {
    this.#lengthOf = lengthOf
    this.#mostBytes = mostBytes
  }

  has(number: number): boolean {
    return this.#numbers.has(number)
  }

  /** A chunk was written just now. */
  add(number: number): void {
    this.delete(number)
    this.#numbers.add(number)
    this.#bytes += this.#lengthOf(number)
    for (const oldest of this.#numbers) {
      if (this.#bytes <= this.#mostBytes) break
      this.delete(oldest)
    }
  }

  delete(number: number): void {
    if (this.#numbers.delete(number)) this.#bytes -= this.#lengthOf(number)
  }
}
