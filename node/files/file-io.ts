/** Whole reads and writes at a place in a file. */

import type { FileHandle } from 'node:fs/promises'

/** Fills `into` from byte `position` on; false when the file ends before. */
export async function readFully(handle: FileHandle, into: Uint8Array, position: number): Promise<boolean> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done)
    if (bytesRead === 0) return false
    done += bytesRead
  }
  return true
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
