/** Random access to the NAR of a store path, without ever making a copy of it. */
import { readFully } from '../../files/file-io.ts'
import { narStreamChunkBytes } from '../limits.ts'
import { storeError, storeErrorFromFile } from '../store-error.ts'
import type { FileHandles } from './file-handles.ts'
import type { NarLayout } from './nar-table.ts'

/** A part of a file within a range. */
interface FilePiece {
  readonly node: number
  /** The size of the whole file. */
  readonly contentBytes: number
  readonly position: number
  readonly into: Buffer
}

/** Concurrent reads of small files within one range: as many as libuv has threads. */
const parallelReads = 4

/** Reads ranges of one NAR; concurrent reads are allowed. */
export class NarReader {
  readonly #layout: NarLayout
  readonly #handles: FileHandles

  constructor(layout: NarLayout, handles: FileHandles) {
    this.#layout = layout
    this.#handles = handles
  }

  /** The size of the whole NAR in bytes. */
  get size(): number {
    return this.#layout.size
  }

  /**
   * Reads `length` bytes from `offset` on.
   *
   * @throws RangeError outside of the NAR; StoreError `path-unknown` if the path was collected meanwhile,
   * `path-invalid` if a file has changed.
   */
  async readRange(offset: number, length: number): Promise<Uint8Array> {
    this.#check(offset, length)
    const bytes = Buffer.allocUnsafe(length)
    await this.#readInto(bytes, offset)
    return bytes
  }

  /** The same into a given buffer, which it fills; after an error its content is arbitrary. */
  async readInto(bytes: Buffer, offset: number): Promise<void> {
    this.#check(offset, bytes.length)
    await this.#readInto(bytes, offset)
  }

  async #readInto(bytes: Buffer, offset: number): Promise<void> {
    const pieces = this.#fill(bytes, offset)
    await inParallel(parallelReads, pieces, piece => this.#read(piece))
  }

  #check(offset: number, length: number): void {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
      throw new RangeError(`Expected an offset and a length, got ${offset} and ${length}`)
    }
    if (offset + length > this.size) {
      throw new RangeError(`Expected a range within ${this.size} bytes, got ${length} bytes from ${offset} on`)
    }
  }

  /** The bytes from `start` to `end` (exclusive), in pieces; the next piece is read while one is used. */
  async *stream(start = 0, end = this.size, chunkBytes = narStreamChunkBytes): AsyncGenerator<Uint8Array, void> {
    const read = (from: number) => {
      const chunk = this.readRange(from, Math.min(chunkBytes, end - from))
      // Its error is thrown where it is awaited, and ignored if it never is.
      chunk.catch(() => {})
      return chunk
    }
    let next = start < end ? read(start) : undefined
    for (let from = start; next !== undefined; from += chunkBytes) {
      const chunk = await next
      next = from + chunkBytes < end ? read(from + chunkBytes) : undefined
      yield chunk
    }
  }

  /** Copies what isn't content into `bytes` and returns the pieces of files between. */
  #fill(bytes: Buffer, offset: number): FilePiece[] {
    const pieces: FilePiece[] = []
    const end = offset + bytes.length
    for (let index = this.#layout.nodeAt(offset), at = offset; at < end; index++) {
      const { start, head, contentBytes, tail } = this.#layout.node(index)
      const [content, after] = [start + head.length, start + head.length + contentBytes]
      copyPart(head, start, bytes, offset)
      const [from, until] = [Math.max(at, content), Math.min(after, end)]
      if (from < until) {
        const into = bytes.subarray(from - offset, until - offset)
        pieces.push({ node: index, contentBytes, position: from - content, into })
      }
      copyPart(tail, after, bytes, offset)
      at = after + tail.length
    }
    return pieces
  }

  async #read({ node, contentBytes, position, into }: FilePiece): Promise<void> {
    const path = this.#layout.path(node)
    try {
      const isWhole = await this.#handles.use(path, contentBytes, handle => readFully(handle, into, position))
      if (!isWhole) throw storeError('path-invalid', `${path} ended before byte ${position + into.length}`)
    } catch (thrown) {
      throw storeErrorFromFile(thrown, path.toString())
    }
  }
}

/** Copies the part of `from`, which begins at `start` of the NAR, that lies in the range of `to`, which begins at `offset`. */
function copyPart(from: Buffer, start: number, to: Buffer, offset: number): void {
  const [first, last] = [Math.max(start, offset), Math.min(start + from.length, offset + to.length)]
  if (first < last) from.copy(to, first - offset, first - start, last - start)
}

async function inParallel<T>(limit: number, items: T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await run(item)
  }
  // After a failure, waits for the others to finish, so that nothing writes to the buffer later.
  const results = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker))
  const failed = results.find(result => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
