/** The closure of a path: all paths that it references, in an order in which they can be imported. */
import type { PathInfo } from '../path-info.ts'
import { storeError } from '../store-error.ts'

/**
 * Walks the references of `path` depth first, so each path follows all of its references.
 *
 * @throws StoreError `path-unknown` if one of them is not valid.
 */
export async function closureOf(
  path: string,
  query: (path: string) => Promise<PathInfo | undefined>,
): Promise<PathInfo[]> {
  const ordered: PathInfo[] = []
  const seen = new Set<string>([path])
  // An explicit stack: a chain of references can exceed the call stack.
  const stack = [{ info: await known(path, query), next: 0 }]
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const reference = top.info.references[top.next++]
    if (reference === undefined) {
      ordered.push(top.info)
      stack.pop()
    } else if (!seen.has(reference)) {
      seen.add(reference)
      stack.push({ info: await known(reference, query), next: 0 })
    }
  }
  return ordered
}

async function known(path: string, query: (path: string) => Promise<PathInfo | undefined>): Promise<PathInfo> {
  const info = await query(path)
  if (info === undefined) throw storeError('path-unknown', `Expected a valid path of the store, got ${path}`)
  return info
}
