/** Whole reads and writes at a place in a file. */

import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

/** Fills `into` from byte `position` on; false when the file ends before. */
export async function readFully(handle: FileHandle, into: Uint8Array, position: number): Promise<boolean> {
  return (await fill(handle, into, position)) === into.length
}

/**
 * The same without a turn through libuv's threads, which costs several times what the bytes do: for those that the kernel has in
 * memory, since nothing else happens meanwhile.
 */
export function readFullySync(fd: number, into: Uint8Array, position: number): boolean {
  for (let done = 0; done < into.length; ) {
    const read = readSync(fd, into, done, into.length - done, position + done)
    if (read === 0) return false
    done += read
  }
  return true
}

/** The bytes from byte `position` on: `length`, or fewer where the file ends. */
export async function readUpTo(handle: FileHandle, length: number, position: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, await fill(handle, bytes, position))
}

/** One read may bring less than there is. Resolves to the bytes that were read. */
async function fill(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  for (let done = 0; ; ) {
    if (done === into.length) return done
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done)
    if (bytesRead === 0) return done
    done += bytesRead
  }
}

/** Writes all of `bytes` from byte `position` on; a disk that fills up throws ENOSPC at the latest on the second call. */
export async function writeFully(
  handle: Pick<FileHandle, 'write'>,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten
  }
}
