/** Random access to the NAR of a store path, without ever making a copy of it. */
import { readFully } from '../../files/file-io.ts'
import { narStreamChunkBytes } from '../limits.ts'
import { storeError, storeErrorFromFile } from '../store-error.ts'
import type { FileHandles } from './file-handles.ts'
import type { NarLayout } from './nar-layout.ts'

/** A part of a file within a range. */
interface FilePiece {
  readonly file: number
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
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
      throw new RangeError(`Expected an offset and a length, got ${offset} and ${length}`)
    }
    if (offset + length > this.size) {
      throw new RangeError(`Expected a range within ${this.size} bytes, got ${length} bytes from ${offset} on`)
    }
    const bytes = Buffer.allocUnsafe(length)
    const pieces = this.#fill(bytes, offset)
    await inParallel(parallelReads, pieces, piece => this.#read(piece))
    return bytes
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

  /** Copies the literals of a range into `bytes` and returns the pieces of files between them. */
  #fill(bytes: Buffer, offset: number): FilePiece[] {
    const { fileStarts, fileEnds, literalsBefore, literals, size } = this.#layout
    const pieces: FilePiece[] = []
    const end = offset + bytes.length
    let at = offset
    for (let file = firstEndingAfter(fileEnds, at); at < end; file++) {
      const start = fileStarts[file] ?? size
      if (at < start) {
        const literal = (literalsBefore[file] ?? literals.length) - (start - at)
        const length = Math.min(start, end) - at
        literals.copy(bytes, at - offset, literal, literal + length)
        at += length
      }
      const until = Math.min(fileEnds[file] ?? size, end)
      if (at < until) {
        pieces.push({ file, position: at - start, into: bytes.subarray(at - offset, until - offset) })
        at = until
      }
    }
    return pieces
  }

  async #read({ file, position, into }: FilePiece): Promise<void> {
    const { fileStarts, fileEnds, filePaths } = this.#layout
    const path = filePaths[file] ?? Buffer.alloc(0)
    const size = (fileEnds[file] ?? 0) - (fileStarts[file] ?? 0)
    try {
      const isWhole = await this.#handles.use(path, size, handle => readFully(handle, into, position))
      if (!isWhole) throw storeError('path-invalid', `${path} ended before byte ${position + into.length}`)
    } catch (thrown) {
      throw storeErrorFromFile(thrown, path.toString())
    }
  }
}

/** The first file whose content ends after `offset`: binary search. */
function firstEndingAfter(fileEnds: Float64Array, offset: number): number {
  let low = 0
  let high = fileEnds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((fileEnds[middle] ?? 0) > offset) high = middle
    else low = middle + 1
  }
  return low
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
