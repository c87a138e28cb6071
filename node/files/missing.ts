/** Files that aren't there, where that is no error. */

/** Whether a file was not found: it, or a folder of its path, isn't there. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR')
}

/** What reading a file comes to; undefined where the file isn't there. */
export async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    if (isMissing(thrown)) return undefined
    throw thrown
  }
}
