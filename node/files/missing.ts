/** Missing files, where that isn't an error. */

import { access } from 'node:fs/promises'

/** Whether a file, a directory or the target of a link exists and this user may look for it. */
export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

/** Whether an error means that the file, or a directory of its path, doesn't exist. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR')
}

/** The result of reading a file; undefined if it doesn't exist. */
export async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    if (isMissing(thrown)) return undefined
    throw thrown
  }
}
