/** Random access to the bytes of a file or a block device. */

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import { readUpTo } from '../files/file-io.ts'

export interface ByteSource {
  /** The bytes at an offset; fewer where the source ends. */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** Opens a file or block device for reading. Throws a BundleError for anything else, such as a folder or a FIFO. */
export async function openByteSource(path: string): Promise<ByteSource> {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const stats = await handle.stat()
  if (stats.isFile() || stats.isBlockDevice()) return new HandleSource(handle)
  await handle.close()
  throw new BundleError('not-a-bundle', `expected a file or a block device, got another kind of file: ${path}`, {
    hint: 'Name the file of a bundle, or - to read one from standard input.',
  })
}

class HandleSource implements ByteSource {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return readUpTo(this.#handle, length, offset)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}
