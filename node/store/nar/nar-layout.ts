/** Computes the layout of a store path's NAR in one walk, without reading any file's content. */
import type { Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { narMaxDepth, narMaxNameBytes, narMaxTargetBytes } from '../limits.ts'
import { storeError, storeErrorFromFile } from '../store-error.ts'
import { type NarLayout, NarTable } from './nar-table.ts'

/** Concurrent lstat calls: enough for all of libuv's threads, which otherwise wait for the event loop. */
const parallelStats = 16

const slash = Buffer.from('/')

/**
 * Walks the tree at `root`, a real path, and computes its NAR's layout.
 *
 * @throws StoreError `path-unknown` if it is missing or vanishes, `path-invalid` if a NAR can't represent it.
 */
export async function layOutNar(root: string): Promise<NarLayout> {
  const table = new NarTable()
  const path = Buffer.from(root)
  try {
    await node(table, { path, name: Buffer.alloc(0), parent: undefined, depth: 0 }, await lstat(path))
  } catch (thrown) {
    throw storeErrorFromFile(thrown, root)
  }
  return table.layout(path)
}

interface Place {
  readonly path: Buffer
  readonly name: Buffer
  /** The directory's node; undefined for the root. */
  readonly parent: number | undefined
  readonly depth: number
}

async function node(table: NarTable, place: Place, stats: Stats): Promise<void> {
  const { path, name, parent } = place
  if (stats.isDirectory()) await directory(table, place)
  else if (stats.isFile()) table.file(parent, name, stats.size, (stats.mode & 0o100) !== 0)
  else if (stats.isSymbolicLink()) {
    const target = await readlink(path, { encoding: 'buffer' })
    if (target.length > narMaxTargetBytes) throw invalid(path, `has a target over ${narMaxTargetBytes} bytes`)
    table.symlink(parent, name, target)
  } else throw invalid(path, 'is not a file, directory or symbolic link')
}

async function directory(table: NarTable, { path, name, parent, depth }: Place): Promise<void> {
  if (depth >= narMaxDepth)
    throw invalid(path, `is a directory more than ${narMaxDepth} levels deep, and Nix reads no NAR deeper than that`)
  // A character for each byte: a small string each, which sorts as NAR readers demand, by bytes.
  const names = (await readdir(path, { encoding: 'latin1' })).sort()
  const index = table.begin(parent, name)
  for (let from = 0; from < names.length; from += parallelStats) {
    const batch = names.slice(from, from + parallelStats).map(each => Buffer.from(each, 'latin1'))
    const paths = batch.map(each => Buffer.concat([path, slash, each]))
    const stats = await Promise.all(paths.map(each => lstat(each)))
    for (const [at, child] of paths.entries()) {
      const [called, of] = [batch[at], stats[at]]
      if (called === undefined || of === undefined) continue
      if (called.length > narMaxNameBytes) throw invalid(child, `has a name over ${narMaxNameBytes} bytes`)
      await node(table, { path: child, name: called, parent: index, depth: depth + 1 }, of)
    }
  }
  table.end(parent)
}

function invalid(path: Buffer, why: string) {
  return storeError('path-invalid', `${path.toString()} ${why}, so a NAR can't represent it`)
}
