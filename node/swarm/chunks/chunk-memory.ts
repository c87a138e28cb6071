/**
 * Memory for chunks on their way, which is used again: as new buffers, each megabyte that moves would have V8 mark the whole
 * heap more often, and the kernel clear fresh pages.
 */

import { maxChunkSize } from '../recipe/chunker.ts'

/** Pieces are multiples of this: larger steps hold more than they need, smaller ones are rarely of the size that is wanted next. */
const stepBytes = 32 * 1024
/** Smaller ones are not lent: somebody who sends thousands of tiny chunks would be given a piece for each. */
const leastBytes = 16 * 1024
/** Kept free for the next chunks, in bytes; what is more than that is left to V8: of the pieces that wait, the oldest ones. */
const mostFreeBytes = 8 * 1024 ** 2
/** When nothing has moved for this long, all free memory is given up. */
const idleMs = 10_000

export interface MemoryWatcher {
  freed(memory: Uint8Array): void
  taken(memory: Uint8Array): void
}

/**
 * Lends memory. Each piece has holders: who took it is the first, and each reader that is to keep a part of it for a while is
 * one more. The last one to give it back makes it free. Who never does leaves it to the garbage collector, which is no error.
 */
export class ChunkMemory {
  /** Of tests: it sees memory that nobody holds any more, and memory that somebody takes again. */
  watcher: MemoryWatcher | undefined
  readonly #holders = new WeakMap<ArrayBufferLike, number>()
  /** The one that was given back last at the end. */
  readonly #free: Buffer[] = []
  readonly #idleMs: number
  #freeBytes = 0
  #usedAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor({ idle = idleMs } = {}) {
    this.#idleMs = idle
  }

  /** Bytes that wait to be used again. */
  get freeBytes(): number {
    return this.#freeBytes
  }

  /** So many bytes of arbitrary content, with one holder. */
  take(length: number): Buffer {
    if (length < leastBytes) return Buffer.allocUnsafe(length)
    const size = Math.ceil(length / stepBytes) * stepBytes
    this.#usedAt = performance.now()
    const bytes = this.#reused(size, 2 * length) ?? Buffer.allocUnsafeSlow(size)
    this.#holders.set(bytes.buffer, 1)
    return bytes.subarray(0, length)
  }

  /** One more holder of the memory that these bytes lie in; other memory has none. */
  hold<T extends Uint8Array>(bytes: T): T {
    const holders = this.#holders.get(bytes.buffer)
    if (holders !== undefined) this.#holders.set(bytes.buffer, known(holders) + 1)
    return bytes
  }

  /** A holder reads and writes the memory of these bytes no longer. Call it once for each holder. */
  give(bytes: Uint8Array): void {
    const holders = this.#holders.get(bytes.buffer)
    if (holders === undefined) return
    this.#holders.set(bytes.buffer, known(holders) - 1)
    if (holders > 1) return
    this.watcher?.freed(new Uint8Array(bytes.buffer))
    const size = bytes.buffer.byteLength
    if (size > 2 * maxChunkSize) return
    this.#free.push(Buffer.from(bytes.buffer))
    this.#freeBytes += size
    // Sizes change from path to path: otherwise, all room would soon be taken by those that nobody wants.
    while (this.#freeBytes > mostFreeBytes) this.#freeBytes -= this.#free.shift()?.length ?? 0
    this.#timer ??= this.#watch()
  }

  /** What somebody keeps from being used again by holding these bytes: a piece is larger than its chunk. */
  heldBytes(bytes: Uint8Array): number {
    return this.#holders.has(bytes.buffer) ? bytes.buffer.byteLength : bytes.length
  }

  /** Free memory of this size, or else the smallest one up to `most` bytes: what was used last, the processor may still have in its cache. */
  #reused(size: number, most: number): Buffer | undefined {
    let best = -1
    for (let place = this.#free.length - 1; place >= 0; place--) {
      const bytes = this.#free[place]?.length ?? 0
      if (bytes < size || bytes > most || (best >= 0 && bytes >= (this.#free[best]?.length ?? 0))) continue
      best = place
      if (bytes === size) break
    }
    if (best < 0) return undefined
    const [known] = this.#free.splice(best, 1)
    if (known === undefined) return undefined
    this.#freeBytes -= known.length
    this.watcher?.taken(known)
    return known
  }

  #watch(): NodeJS.Timeout {
    const timer = setInterval(() => {
      if (performance.now() - this.#usedAt < this.#idleMs) return
      clearInterval(timer)
      this.#timer = undefined
      this.#free.length = 0
      this.#freeBytes = 0
    }, this.#idleMs)
    return timer.unref()
  }
}

/** Memory that is free belongs to whoever takes it next: nobody else may speak for it. */
function known(holders: number): number {
  if (holders === 0) throw new RangeError('expected memory that is held, got some that was given back')
  return holders
}

/** The process has one. */
export const chunkMemory = new ChunkMemory()
