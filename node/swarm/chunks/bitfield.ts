/** A set of chunk numbers with one bit each: the chunks that a peer has. */

/** Bit 0 is the highest bit of the first byte, as in BitTorrent's bitfield (BEP 3). */
export class Bitfield {
  readonly size: number
  readonly bytes: Uint8Array
  #count = 0

  constructor(size: number, bytes?: Uint8Array) {
    this.size = size
    this.bytes = new Uint8Array(Math.ceil(size / 8))
    if (bytes === undefined) return
    if (bytes.length !== this.bytes.length) {
      throw new RangeError(`expected a bitfield of ${this.bytes.length} bytes, got ${bytes.length}`)
    }
    this.bytes.set(bytes)
    const spare = this.bytes.length * 8 - size
    if (spare > 0 && ((this.bytes.at(-1) ?? 0) & ((1 << spare) - 1)) !== 0) {
      throw new RangeError('expected the spare bits of a bitfield to be zero')
    }
    for (const byte of this.bytes) this.#count += bitsOf(byte)
  }

  /** The number of chunks in the set. */
  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.size
  }

  has(number: number): boolean {
    return ((this.bytes[number >> 3] ?? 0) & (0x80 >> (number & 7))) !== 0
  }

  /** Adds a number; false if it was present. Throws a RangeError beyond the size. */
  add(number: number): boolean {
    if (number < 0 || number >= this.size) throw new RangeError(`expected a number below ${this.size}, got ${number}`)
    if (this.has(number)) return false
    this.bytes[number >> 3] = (this.bytes[number >> 3] ?? 0) | (0x80 >> (number & 7))
    this.#count++
    return true
  }

  /** Removes a number; false when it was not there. */
  remove(number: number): boolean {
    if (!this.has(number)) return false
    this.bytes[number >> 3] = (this.bytes[number >> 3] ?? 0) & ~(0x80 >> (number & 7))
    this.#count--
    return true
  }

  static full(size: number): Bitfield {
    const all = new Bitfield(size)
    for (let number = 0; number < size; number++) all.add(number)
    return all
  }
}

function bitsOf(byte: number): number {
  let bits = 0
  for (let rest = byte; rest !== 0; rest &= rest - 1) bits++
  return bits
}
