/** Removes staging left behind by abandoned closures, at start. */

import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Staging untouched for this long is abandoned: a newer release has replaced its closure. */
const staleAfterMs = 7 * 24 * 60 * 60_000

/** Other closures to keep, newest first: an interrupted fetch may resume after a rollback. */
const keptOthers = 1

/** Removes the directories in `parent` of closures other than `keep`, except the newest few; returns their names. */
export async function removeStaleStaging(
  parent: string,
  keep: ReadonlySet<string>,
  { maxAgeMs = staleAfterMs, maxOthers = keptOthers } = {},
): Promise<string[]> {
  const names = (await readdir(parent).catch(() => [])).filter(name => !keep.has(name))
  const found = await Promise.all(names.map(async name => ({ name, changed: await lastChange(join(parent, name)) })))
  found.sort((a, b) => b.changed - a.changed)
  const oldest = Date.now() - maxAgeMs
  const stale = found.filter(({ changed }, i) => i >= maxOthers || changed < oldest).map(({ name }) => name)
  for (const name of stale) await rm(join(parent, name), { recursive: true, force: true })
  return stale
}

/** When a directory or a file in it was last written, in ms; 0 if unknown. */
async function lastChange(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => [])
  const paths = [directory, ...names.map(name => join(directory, name))]
  const times = await Promise.all(
    paths.map(path =>
      stat(path)
        .then(({ mtimeMs }) => mtimeMs)
        .catch(() => 0),
    ),
  )
  return Math.max(...times)
}
