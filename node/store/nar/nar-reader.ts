/** Random access to the NAR of a store path, without ever making a copy of it. */
import { inParallel } from '../../concurrency/in-parallel.ts'
import { TimeSlice } from '../../concurrency/time-slice.ts'
import { readFully } from '../../files/file-io.ts'
import { narStreamChunkBytes, readAtOnceBytes, storeSliceMs } from '../limits.ts'
import { storeError, storeErrorFromFile } from '../store-error.ts'
import type { FileHandles } from './file-handles.ts'
import { checkRange, type FilePiece, fillAround } from './nar-pieces.ts'
import type { NarLayout } from './nar-table.ts'
import { readPieceSync } from './read-nar-sync.ts'

/** Concurrent reads within one range: as many as libuv has threads. */
const parallelReads = 4

/** Of all readers together. */
const slice = new TimeSlice(storeSliceMs)

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
   * Reads `length` bytes from `offset` on, into `bytes` if there are any.
   *
   * @throws RangeError outside of the NAR; StoreError `path-unknown` if the path was collected meanwhile,
   * `path-invalid` if a file has changed.
   */
  async readRange(offset: number, length: number, bytes = Buffer.allocUnsafe(length)): Promise<Uint8Array> {
    checkRange(this.#layout, offset, length)
    const large: FilePiece[] = []
    for (const piece of fillAround(this.#layout, bytes, offset)) {
      if (piece.contentBytes > readAtOnceBytes) large.push(piece)
      else {
        readPieceSync(this.#layout, piece)
        await slice.step()
      }
    }
    await inParallel(parallelReads, large, piece => this.#read(piece))
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
