/** Files that are written whole or not at all, also when the power goes: when a call resolves, they are on the disk. */

import { link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface DurableFileInit {
  /** Of the file, whatever one had that was there before; 0600 if nothing is said. */
  readonly mode?: number
  /** Where it is written first, in the same file system; the file's name and `.new` if nothing is said. */
  readonly draft?: string
}

/** Writes a file in place of one that may be there. Its folder must be there; rejects with the error of the system. */
export async function replaceFile(
  file: string,
  content: string | Uint8Array,
  { mode = 0o600, draft = `${file}.new` }: DurableFileInit = {},
): Promise<void> {
  try {
    await writeDraft(draft, content, mode)
    await rename(draft, file)
  } catch (thrown) {
    await rm(draft, { force: true })
    throw thrown
  }
  await syncDirectory(dirname(file))
}

/** Writes a new file; rejects with `EEXIST` when one is there. */
export async function createFile(
  file: string,
  content: string | Uint8Array,
  { mode = 0o600, draft = `${file}.new` }: DurableFileInit = {},
): Promise<void> {
  try {
    await writeDraft(draft, content, mode)
    await link(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
  await syncDirectory(dirname(file))
}

/** Puts on the disk which names a directory has: after a rename, a link or a removal in it. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function writeDraft(draft: string, content: string | Uint8Array, mode: number): Promise<void> {
  // What a power cut left of an earlier attempt, maybe with another mode.
  await rm(draft, { force: true })
  const handle = await open(draft, 'wx', mode)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
