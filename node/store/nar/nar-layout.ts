/** Computes the layout of a store path's NAR in one walk, without reading any file's content. */
import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
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
  const walk = walked(Buffer.from(root))
  try {
    let step = walk.next()
    while (!step.done) step = walk.next(await answered(step.value))
    return step.value
  } catch (thrown) {
    throw storeErrorFromFile(thrown, root)
  }
}

/** The same without waiting, for threads that do nothing else: a call takes a tenth of one that waits. */
export function layOutNarSync(root: string): NarLayout {
  const walk = walked(Buffer.from(root))
  try {
    let step = walk.next()
    while (!step.done) step = walk.next(answeredSync(step.value))
    return step.value
  } catch (thrown) {
    throw storeErrorFromFile(thrown, root)
  }
}

/** What a walk asks of the file system, one question after another; the answer has the same kind. */
type Question = { readonly lstat: readonly Buffer[] } | { readonly readdir: Buffer } | { readonly readlink: Buffer }
type Answer = readonly Stats[] | readonly string[] | Buffer
type Walk<T> = Generator<Question, T, Answer>

// Names have a character for each byte: a small string each, which sorts as NAR readers demand, by bytes.
const encoding = 'latin1'

async function answered(question: Question): Promise<Answer> {
  if ('lstat' in question) return await Promise.all(question.lstat.map(path => lstat(path)))
  if ('readdir' in question) return await readdir(question.readdir, { encoding })
  return await readlink(question.readlink, { encoding: 'buffer' })
}

function answeredSync(question: Question): Answer {
  if ('lstat' in question) return question.lstat.map(path => lstatSync(path))
  if ('readdir' in question) return readdirSync(question.readdir, { encoding })
  return readlinkSync(question.readlink, { encoding: 'buffer' })
}

interface Place {
  readonly path: Buffer
  readonly name: Buffer
  /** The directory's node; undefined for the root. */
  readonly parent: number | undefined
  readonly depth: number
}

function* walked(root: Buffer): Walk<NarLayout> {
  const table = new NarTable()
  const [stats] = (yield { lstat: [root] }) as [Stats]
  yield* node(table, { path: root, name: Buffer.alloc(0), parent: undefined, depth: 0 }, stats)
  return table.layout(root)
}

function* node(table: NarTable, place: Place, stats: Stats): Walk<void> {
  const { path, name, parent } = place
  if (stats.isDirectory()) yield* directory(table, place)
  else if (stats.isFile()) table.file(parent, name, stats.size, (stats.mode & 0o100) !== 0)
  else if (stats.isSymbolicLink()) {
    const target = (yield { readlink: path }) as Buffer
    if (target.length > narMaxTargetBytes) throw invalid(path, `has a target over ${narMaxTargetBytes} bytes`)
    table.symlink(parent, name, target)
  } else throw invalid(path, 'is not a file, directory or symbolic link')
}

function* directory(table: NarTable, { path, name, parent, depth }: Place): Walk<void> {
  if (depth >= narMaxDepth)
    throw invalid(path, `is a directory more than ${narMaxDepth} levels deep, and Nix reads no NAR deeper than that`)
  const names = ((yield { readdir: path }) as string[]).sort()
  const index = table.begin(parent, name)
  for (let from = 0; from < names.length; from += parallelStats) {
    const batch = names.slice(from, from + parallelStats).map(each => Buffer.from(each, encoding))
    const paths = batch.map(each => Buffer.concat([path, slash, each]))
    const stats = (yield { lstat: paths }) as Stats[]
    for (const [at, child] of paths.entries()) {
      const [called, of] = [batch[at], stats[at]]
      if (called === undefined || of === undefined) continue
      if (called.length > narMaxNameBytes) throw invalid(child, `has a name over ${narMaxNameBytes} bytes`)
      yield* node(table, { path: child, name: called, parent: index, depth: depth + 1 }, of)
    }
  }
  table.end(parent)
}

function invalid(path: Buffer, why: string) {
  return storeError('path-invalid', `${path.toString()} ${why}, so a NAR can't represent it`)
}
