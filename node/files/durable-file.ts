/** Writes files atomically and durably: on disk when a call resolves, and never incomplete after a power cut. */

import { link, open, rename, rm, symlink } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface DurableFileInit {
  /** The file's mode, also if it replaces another one; 0600 by default. */
  readonly mode?: number
  /** The temporary file in the same file system; by default the file's name with `.new`. */
  readonly draft?: string
}

/** Replaces a file or creates it. Its directory must exist; rejects with the system's error. */
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

/** Creates a file; rejects with `EEXIST` if it exists. */
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

/** Replaces a symbolic link or creates it: readers see the old target or the new one. */
export async function replaceLink(file: string, target: string, draft = `${file}.new`): Promise<void> {
  try {
    await rm(draft, { force: true })
    await symlink(target, draft)
    await rename(draft, file)
  } catch (thrown) {
    await rm(draft, { force: true })
    throw thrown
  }
  await syncDirectory(dirname(file))
}

/** Syncs a directory's entries to disk: after a rename, a link or a removal in it. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes a file that a rename is to put in its place, and syncs its content. */
export async function writeDraft(draft: string, content: string | Uint8Array, mode: number): Promise<void> {
  // Left over from an attempt that a power cut interrupted, perhaps with another mode.
  await rm(draft, { force: true })
  const handle = await open(draft, 'wx', mode)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
