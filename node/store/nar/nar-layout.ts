/** Computes the layout of a store path's NAR in one walk, without reading any file's content. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { TimeSlice } from '../../concurrency/time-slice.ts'
import { narMaxDepth, narMaxNameBytes, narMaxTargetBytes, storeSliceMs } from '../limits.ts'
import { storeError, storeErrorFromFile } from '../store-error.ts'
import { type NarLayout, NarTable } from './nar-table.ts'

const slash = Buffer.from('/')

/** Of all walks together. */
const slice = new TimeSlice(storeSliceMs)

/**
 * Walks the tree at `root`, a real path, and computes its NAR's layout; others get their turn meanwhile.
 *
 * @throws StoreError `path-unknown` if it is missing or vanishes, `path-invalid` if a NAR can't represent it.
 */
export async function layOutNar(root: string): Promise<NarLayout> {
  const walk = walked(Buffer.from(root))
  try {
    // A call that waits for one of libuv's threads takes ten times as long.
    for (let step = walk.next(); ; step = walk.next()) {
      if (step.done) return step.value
      await slice.step()
    }
  } catch (thrown) {
    throw storeErrorFromFile(thrown, root)
  }
}

/** The same at once, for threads that do nothing else. */
export function layOutNarSync(root: string): NarLayout {
  const walk = walked(Buffer.from(root))
  try {
    for (let step = walk.next(); ; step = walk.next()) if (step.done) return step.value
  } catch (thrown) {
    throw storeErrorFromFile(thrown, root)
  }
}

/** Yields after each entry. */
type Walk<T> = Generator<void, T>

// Names have a character for each byte: a small string each, which sorts as NAR readers demand, by bytes.
const encoding = 'latin1'

interface Place {
  readonly path: Buffer
  readonly name: Buffer
  /** The directory's node; undefined for the root. */
  readonly parent: number | undefined
  readonly depth: number
}

function* walked(root: Buffer): Walk<NarLayout> {
  const table = new NarTable()
  yield* node(table, { path: root, name: Buffer.alloc(0), parent: undefined, depth: 0 })
  return table.layout(root)
}

function* node(table: NarTable, place: Place): Walk<void> {
  const { path, name, parent } = place
  const stats = lstatSync(path)
  yield
  if (stats.isDirectory()) yield* directory(table, place)
  else if (stats.isFile()) table.file(parent, name, stats.size, (stats.mode & 0o100) !== 0)
  else if (stats.isSymbolicLink()) {
    const target = readlinkSync(path, { encoding: 'buffer' })
    if (target.length > narMaxTargetBytes) throw invalid(path, `has a target over ${narMaxTargetBytes} bytes`)
    table.symlink(parent, name, target)
  } else throw invalid(path, 'is not a file, directory or symbolic link')
}

function* directory(table: NarTable, { path, name, parent, depth }: Place): Walk<void> {
  if (depth >= narMaxDepth)
    throw invalid(path, `is a directory more than ${narMaxDepth} levels deep, and Nix reads no NAR deeper than that`)
  const names = readdirSync(path, { encoding }).sort()
  const index = table.begin(parent, name)
  for (const each of names) {
    const called = Buffer.from(each, encoding)
    const child = Buffer.concat([path, slash, called])
    if (called.length > narMaxNameBytes) throw invalid(child, `has a name over ${narMaxNameBytes} bytes`)
    yield* node(table, { path: child, name: called, parent: index, depth: depth + 1 })
  }
  table.end(parent)
}

function invalid(path: Buffer, why: string) {
  return storeError('path-invalid', `${path.toString()} ${why}, so a NAR can't represent it`)
}
