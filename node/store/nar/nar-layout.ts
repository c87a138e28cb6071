/** Computes the layout of a store path's NAR in one walk, without reading any file's content. */
import type { Dirent } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { narMaxDepth, narMaxNameBytes, narMaxTargetBytes } from '../limits.ts'
import { storeError, storeErrorFromFile } from '../store-error.ts'
import { paddingOf, WireMessage } from '../worker/worker-wire.ts'

/**
 * The segment table of a NAR, which alternates between pieces of `literals` and files' contents: literal, file 0,
 * literal, file 1, …, literal. Empty files are literals only.
 */
export interface NarLayout {
  /** The size of the whole NAR in bytes. */
  readonly size: number
  /** All bytes that are not file contents, in order. */
  readonly literals: Buffer
  /** Where each file's content starts in the NAR, ascending. */
  readonly fileStarts: Float64Array
  /** Where each file's content ends in the NAR. */
  readonly fileEnds: Float64Array
  /** For each file, the number of bytes of `literals` before it. */
  readonly literalsBefore: Float64Array
  /** Absolute paths of the files. */
  readonly filePaths: readonly Buffer[]
  /** The approximate memory of the table. */
  readonly memoryBytes: number
}

const slash = Buffer.from('/')
/** The approximate overhead of a Buffer object. */
const bufferOverheadBytes = 128
/** Concurrent lstat calls: as many as libuv has threads. */
const parallelStats = 4

const words = (...texts: string[]) => texts.reduce((message, text) => message.string(text), new WireMessage()).bytes()

// The format: figure 5.2 of Eelco Dolstra's thesis; `libutil/archive.cc`.
const magicToken = words('nix-archive-1')
const regularToken = words('(', 'type', 'regular')
const executableToken = words('executable', '')
const contentsToken = words('contents')
const symlinkToken = words('(', 'type', 'symlink', 'target')
const directoryToken = words('(', 'type', 'directory')
const entryToken = words('entry', '(', 'name')
const nodeToken = words('node')
const closeToken = words(')')
const zeros = Buffer.alloc(8)

/**
 * Walks the tree at `root`, a real path, and computes its NAR's layout.
 *
 * @throws StoreError `path-unknown` if it is missing or vanishes, `path-invalid` if a NAR can't represent it.
 */
export async function layOutNar(root: string): Promise<NarLayout> {
  const walk = new Walk()
  walk.literal(magicToken)
  try {
    await walk.node(Buffer.from(root), 0)
  } catch (thrown) {
    throw storeErrorFromFile(thrown, root)
  }
  return walk.layout()
}

class Walk {
  readonly #literals: Buffer[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #before: number[] = []
  readonly #paths: Buffer[] = []
  #literalBytes = 0
  #size = 0

  literal(...pieces: Buffer[]): void {
    for (const piece of pieces) {
      this.#literals.push(piece)
      this.#literalBytes += piece.length
      this.#size += piece.length
    }
  }

  async node(path: Buffer, depth: number): Promise<void> {
    const stats = await lstat(path)
    if (stats.isDirectory()) await this.#directory(path, depth)
    else if (stats.isSymbolicLink()) await this.#symlink(path)
    else if (stats.isFile()) this.#file(path, stats)
    else throw invalid(path, 'is not a file, directory or symbolic link')
  }

  async #directory(path: Buffer, depth: number): Promise<void> {
    if (depth >= narMaxDepth)
      throw invalid(path, `is a directory more than ${narMaxDepth} levels deep, and Nix reads no NAR deeper than that`)
    const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' })
    // NAR readers reject names that are not in ascending byte order.
    entries.sort((a, b) => Buffer.compare(a.name, b.name))
    const children = entries.map(entry => Buffer.concat([path, slash, entry.name]))
    this.literal(directoryToken)
    for (let from = 0; from < entries.length; from += parallelStats) {
      const batch = entries.slice(from, from + parallelStats)
      const stats = await Promise.all(batch.map((entry, i) => fileStats(entry, children[from + i])))
      for (const [i, entry] of batch.entries()) {
        const child = children[from + i] ?? path
        if (entry.name.length > narMaxNameBytes) throw invalid(child, `has a name over ${narMaxNameBytes} bytes`)
        this.literal(entryToken, word(entry.name), nodeToken)
        const stat = stats[i]
        if (stat !== undefined) this.#file(child, stat)
        else if (entry.isSymbolicLink()) await this.#symlink(child)
        else if (entry.isDirectory()) await this.#directory(child, depth + 1)
        else await this.node(child, depth + 1)
        this.literal(closeToken)
      }
    }
    this.literal(closeToken)
  }

  async #symlink(path: Buffer): Promise<void> {
    const target = await readlink(path, { encoding: 'buffer' })
    if (target.length > narMaxTargetBytes) throw invalid(path, `has a target over ${narMaxTargetBytes} bytes`)
    this.literal(symlinkToken, word(target), closeToken)
  }

  #file(path: Buffer, { mode, size }: { mode: number; size: number }): void {
    this.literal(regularToken)
    if ((mode & 0o100) !== 0) this.literal(executableToken)
    const length = Buffer.allocUnsafe(8)
    length.writeBigUInt64LE(BigInt(size))
    this.literal(contentsToken, length)
    if (size > 0) {
      this.#starts.push(this.#size)
      this.#before.push(this.#literalBytes)
      this.#size += size
      this.#ends.push(this.#size)
      this.#paths.push(path)
    }
    this.literal(zeros.subarray(0, paddingOf(size)), closeToken)
  }

  layout(): NarLayout {
    const literals = Buffer.concat(this.#literals)
    const pathBytes = this.#paths.reduce((sum, path) => sum + path.length + bufferOverheadBytes, 0)
    return {
      size: this.#size,
      literals,
      fileStarts: Float64Array.from(this.#starts),
      fileEnds: Float64Array.from(this.#ends),
      literalsBefore: Float64Array.from(this.#before),
      filePaths: this.#paths,
      memoryBytes: literals.length + pathBytes + 24 * this.#paths.length,
    }
  }
}

/** Mode and size of what may be a file; for others the directory entry is enough. */
async function fileStats(entry: Dirent<Buffer>, path: Buffer | undefined) {
  if (path === undefined || !entry.isFile()) return undefined
  const stats = await lstat(path)
  return stats.isFile() ? stats : undefined
}

function word(bytes: Buffer): Buffer {
  return new WireMessage().string(bytes).bytes()
}

function invalid(path: Buffer, why: string) {
  return storeError('path-invalid', `${path.toString()} ${why}, so a NAR can't represent it`)
}
