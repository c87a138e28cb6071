/** The last output of a terminal, read by its place in all that ever came: a browser that lost its link goes on where it was. */

/** Parts that are no longer than this together are kept as one. */
const joinedBytes = 4096

export class Scrollback {
  readonly #capacity: number
  #parts: Buffer[] = []
  #bytes = 0
  #end = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** The offset after the last byte. */
  get end(): number {
    return this.#end
  }

  /** The offset of the first byte that is still here. */
  get begin(): number {
    return this.#end - this.#bytes
  }

  append(part: Buffer): void {
    const last = this.#parts.at(-1)
    // Echoes of keys come byte by byte: each as a part of its own would hold many times what it says.
    if (last !== undefined && last.length + part.length <= joinedBytes) {
      this.#parts[this.#parts.length - 1] = Buffer.concat([last, part])
    } else this.#parts.push(part)
    this.#bytes += part.length
    this.#end += part.length
    while (this.#bytes > this.#capacity) {
      const first = this.#parts[0] ?? Buffer.alloc(0)
      const over = this.#bytes - this.#capacity
      if (first.length <= over) this.#parts.shift()
      else this.#parts[0] = first.subarray(over)
      this.#bytes -= Math.min(first.length, over)
    }
  }

  /** At most `most` bytes from an offset on, or from the first one that is still here. */
  read(from: number, most: number): { from: number; bytes: Buffer } {
    const start = Math.min(Math.max(from, this.begin), this.#end)
    let skip = start - this.begin
    let left = most
    const found: Buffer[] = []
    for (const part of this.#parts) {
      if (left === 0) break
      if (skip >= part.length) {
        skip -= part.length
        continue
      }
      const piece = part.subarray(skip, skip + left)
      skip = 0
      left -= piece.length
      found.push(piece)
    }
    return { from: start, bytes: found.length === 1 && found[0] ? found[0] : Buffer.concat(found) }
  }
}
