/**
 * Reads ranges of NARs without waiting, for threads that do nothing else, and small files elsewhere: to open, read and close
 * one takes three turns through libuv's threads, each of which costs more than the file's bytes.
 */

import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { readFullySync } from '../../files/file-io.ts'
import { narStreamChunkBytes } from '../limits.ts'
import { storeError, storeErrorFromFile } from '../store-error.ts'
import { checkRange, type FilePiece, fillAround } from './nar-pieces.ts'
import type { NarLayout } from './nar-table.ts'

/**
 * Fills `bytes` with those of the NAR from `offset` on; after an error their content is arbitrary.
 *
 * @throws RangeError outside of the NAR; StoreError `path-unknown` if the path was collected meanwhile, `path-invalid` if a
 * file has changed.
 */
export function readNarSync(layout: NarLayout, bytes: Buffer, offset: number): void {
  checkRange(layout, offset, bytes.length)
  for (const piece of fillAround(layout, bytes, offset)) readPieceSync(layout, piece)
}

/** Opens the piece's file, reads it and closes it. Throws a StoreError, as above. */
export function readPieceSync(layout: NarLayout, { node, contentBytes, position, into }: FilePiece): void {
  const path = layout.path(node)
  try {
    readFileSync(path, contentBytes, into, position)
  } catch (thrown) {
    throw storeErrorFromFile(thrown, path.toString())
  }
}

/** The whole NAR in pieces. Each is in the same memory: it is valid until the next one is asked for. Throws as `readNarSync`. */
export function* streamNarSync(layout: NarLayout, chunkBytes = narStreamChunkBytes): Generator<Uint8Array, void> {
  const memory = Buffer.allocUnsafeSlow(Math.min(chunkBytes, layout.size))
  for (let from = 0; from < layout.size; from += chunkBytes) {
    const piece = memory.subarray(0, layout.size - from)
    readNarSync(layout, piece, from)
    yield piece
  }
}

/** Part of a file that must have exactly `size` bytes. */
function readFileSync(path: Buffer, size: number, into: Buffer, position: number): void {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile() || stats.size !== size) {
      throw storeError('path-invalid', `Expected a file of ${size} bytes at ${path}, got one of ${stats.size}`)
    }
    if (!readFullySync(file, into, position)) {
      throw storeError('path-invalid', `${path} ended before byte ${position + into.length}`)
    }
  } finally {
    closeSync(file)
  }
}
