/** What closures that were given up have left staged: removed at start. */

import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A closure whose staging nobody touched for this long is not fetched any more: a newer release took its place. */
const staleAfterMs = 7 * 24 * 60 * 60_000

/** Other closures kept, the newest: a fetch that was broken off for another release may come back by a rollback. */
const keptOthers = 1

/** Removes the directories in `parent` of closures other than `keep`, all but the newest few; returns their names. */
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

/** When a directory or a file in it was last written, in ms; 0 when it can't be said. */
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
