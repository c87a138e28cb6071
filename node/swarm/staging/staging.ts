/** Staged chunks on disk: fetched, but not in the store yet, so that a restart loses nothing. */

import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { readFully } from '../../files/file-io.ts'
import { unlessMissing } from '../../files/missing.ts'
import { Bitfield } from '../chunks/bitfield.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'
import { chunkMemory } from '../chunks/chunk-memory.ts'
import { recentChunkBytes } from '../limits.ts'
import { FreshChunks } from './fresh-chunks.ts'
import { GatheredWrites } from './gathered-writes.ts'
import { StagedRun } from './staged-run.ts'
import { type StagedRange, StagingLayout } from './staging-layout.ts'
import { verifyStaged } from './staging-scan.ts'

/** `disk-full`: no space on the disk or in the budget. `unusable`: the directory can't be read or written. */
export class StagingError extends ThymeshError<'disk-full' | 'unusable'> {}

export interface StagingInit {
  /** The limit for chunks on disk, including released ones that share a file with others. */
  readonly budgetBytes: number
  /** The limit for chunks that are also cached in memory. */
  readonly recentBytes?: number
}

function stagingError(thrown: unknown, what: string): StagingError {
  if (thrown instanceof StagingError) return thrown
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code
  const message = `can't stage chunks in ${what}: ${messageOf(thrown)}`
  if (code === 'ENOSPC' || code === 'EDQUOT') return full(message, thrown)
  return new StagingError('unusable', message, {
    hint: 'Check the disk and the permissions of the state',
    cause: thrown,
  })
}

function full(message: string, cause?: unknown): StagingError {
  return new StagingError('disk-full', message, { hint: 'Free space on the disk of the state', cause })
}

/** A staging file and its state. */
interface StagedFile extends StagedRange {
  readonly name: string
  handle: Promise<FileHandle> | undefined
  writes: GatheredWrites | undefined
  /** Bytes written, which stay on disk until the file is removed. */
  bytes: number
  readonly released: Set<number>
  /** The removal of the previous file. */
  going: Promise<void> | undefined
}

/**
 * The staged chunks of one closure, in their own directory. Each chunk has a fixed place (see {@link StagingLayout}),
 * so one `pwrite` stages it and there is no index that could become inconsistent: after a restart, the bytes at a
 * chunk's place are that chunk if they match its hash. For the same reason nothing is synced: chunks lost in a power
 * cut are detected and fetched again.
 */
export class Staging {
  readonly #directory: string
  readonly #list: ChunkList
  readonly #layout: StagingLayout
  readonly #files: readonly StagedFile[]
  readonly #staged: Bitfield
  /** Chunks whose places are written, including released and damaged ones: they count against the budget. */
  readonly #written: Bitfield
  readonly #writing = new Map<number, Promise<void>>()
  readonly #budgetBytes: number
  /** To read all others, the disk may have to be waited for. */
  readonly #fresh: FreshChunks
  /** Recently written chunks: most are imported or served shortly after. */
  readonly #recent = new Map<number, Uint8Array>()
  readonly #maxRecentBytes: number
  #recentBytes = 0
  #bytes = 0
  #closed = false

  private constructor(directory: string, list: ChunkList, init: StagingInit) {
    this.#directory = directory
    this.#list = list
    this.#layout = new StagingLayout(list)
    this.#files = this.#layout.ranges.map(range => {
      return {
        ...range,
        name: `${range.from}-${range.to}`,
        handle: undefined,
        writes: undefined,
        bytes: 0,
        released: new Set(),
        going: undefined,
      }
    })
    this.#staged = new Bitfield(list.count)
    this.#written = new Bitfield(list.count)
    this.#fresh = new FreshChunks(number => list.length(number))
    this.#budgetBytes = init.budgetBytes
    this.#maxRecentBytes = init.recentBytes ?? recentChunkBytes
  }

  /**
   * Opens a staging directory; it is created with the first chunk. Hashes every chunk found there, at the speed of
   * the disk, and removes anything that isn't a chunk of this closure. Throws a StagingError.
   */
  static async open(directory: string, list: ChunkList, init: StagingInit): Promise<Staging> {
    const staging = new Staging(directory, list, init)
    try {
      await staging.#load()
      return staging
    } catch (thrown) {
      await staging.#closeFiles()
      throw stagingError(thrown, directory)
    }
  }

  /** Bytes that count against the budget. */
  get bytes(): number {
    return this.#bytes
  }

  has(number: number): boolean {
    return this.#staged.has(number)
  }

  /** Whether a chunk's place is written or being written: it counts as long as its file exists. */
  takesRoom(number: number): boolean {
    return this.#written.has(number)
  }

  get layout(): StagingLayout {
    return this.#layout
  }

  /** Evicts one file, by its index in the layout; its chunks may be staged again at once. */
  async evict(range: number): Promise<void> {
    const file = this.#files[range]
    if (file !== undefined && file.bytes > 0) await this.#remove(file)
  }

  /** The chunks that are staged now. */
  staged(): Bitfield {
    return new Bitfield(this.#staged.size, this.#staged.bytes)
  }

  /**
   * Stages a verified chunk; idempotent. `bytes` must not change any more; if they are {@link chunkMemory}, the staging is their
   * holder from now on.
   *
   * @throws StagingError; the chunk isn't staged then, and there may be space for it once a path is released.
   */
  async put(number: number, bytes: Uint8Array): Promise<void> {
    if (this.has(number)) return
    const underWay = this.#writing.get(number)
    if (underWay !== undefined) return underWay
    const writing = this.#write(number, bytes).finally(() => this.#writing.delete(number))
    this.#writing.set(number, writing)
    return writing
  }

  /** A chunk's bytes, verified against its hash, which the caller holds; undefined if it isn't staged. */
  async read(number: number): Promise<Uint8Array | undefined> {
    const file = this.#fileOf(number)
    if (!this.has(number) || file?.handle === undefined) return undefined
    const recent = this.#recent.get(number)
    if (recent !== undefined) return chunkMemory.hold(recent)
    const bytes = chunkMemory.take(this.#list.length(number))
    try {
      const handle = await file.handle
      const whole = await readFully(handle, bytes, this.#layout.offsets[number] ?? 0)
      if (whole && equalBytes(sha256(bytes), this.#list.hash(number))) return bytes
    } catch {
      // The disk is damaged, or the file was released meanwhile: the chunk isn't here in either case.
    }
    this.#staged.remove(number)
    return undefined
  }

  /** See {@link ChunkRuns.readRun}: those of one file, in as few reads as their places allow. */
  async readRun(numbers: Iterable<number>, into: Buffer): Promise<number> {
    const run = new StagedRun(into)
    let file: StagedFile | undefined
    for (const number of numbers) {
      const its = this.#fileOf(number)
      file ??= its
      if (its !== file || !this.has(number)) break
      const position = this.#layout.offsets[number] ?? 0
      const bytes = { position, isFresh: this.#fresh.has(number), known: this.#recent.get(number) }
      if (!run.add(this.#list.length(number), bytes)) break
    }
    return await run.read(file?.handle)
  }

  /**
   * Releases the chunks that occur first in this path, which is in the store now. Their file is removed with its last
   * path.
   */
  async releasePath(path: string): Promise<void> {
    const place = this.#layout.ofPath(path)
    const file = place && this.#files[place.range]
    if (place === undefined || file === undefined) return
    for (let number = place.from; number < place.to; number++) this.#forget(number)
    file.released.add(place.index)
    if (file.released.size === file.paths) await this.#remove(file)
  }

  /** Closes the files. Staged chunks stay on disk; an empty directory is removed. */
  async close(): Promise<void> {
    await this.#closeFiles()
    if (this.#bytes === 0) await rm(this.#directory, { recursive: true, force: true })
  }

  /** Removes everything: the closure is in the store, or no longer wanted. */
  async remove(): Promise<void> {
    for (const file of this.#files) file.bytes = 0
    for (let number = 0; number < this.#staged.size; number++) this.#forget(number)
    this.#bytes = 0
    await this.close()
  }

  async #closeFiles(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#writing.values())
    await Promise.all(this.#files.map(closeFile))
  }

  async #load(): Promise<void> {
    const files = new Map(this.#files.map(file => [file.name, file]))
    for (const name of (await unlessMissing(readdir(this.#directory))) ?? []) {
      const file = files.get(name)
      if (file === undefined) await rm(join(this.#directory, name), { recursive: true, force: true })
      else await this.#loadFile(file)
    }
  }

  async #loadFile(file: StagedFile): Promise<void> {
    const handle = await this.#handleOf(file)
    for await (const number of verifyStaged(handle, file, this.#list, this.#layout.offsets)) {
      this.#staged.add(number)
      this.#written.add(number)
      file.bytes += this.#list.length(number)
    }
    this.#bytes += file.bytes
    if (file.bytes === 0) await this.#remove(file)
  }

  async #write(number: number, bytes: Uint8Array): Promise<void> {
    const file = this.#fileOf(number)
    const length = this.#list.length(number)
    if (file === undefined || bytes.length !== length) {
      throw new RangeError(`expected chunk ${number} of ${length} bytes, got ${bytes.length}`)
    }
    if (this.#closed) throw new StagingError('unusable', `expected open staging, but ${this.#directory} was closed`)
    // A damaged chunk is overwritten: its place is counted already.
    const more = this.#written.has(number) ? 0 : length
    if (this.#bytes + more > this.#budgetBytes) {
      throw full(`expected at most ${this.#budgetBytes} bytes staged, got ${length} beside ${this.#bytes}`)
    }
    // Counted before it is written, so that concurrent writes don't exceed the budget together.
    this.#bytes += more
    file.bytes += more
    this.#written.add(number)
    const handle = this.#handleOf(file)
    try {
      await file.writes?.write(bytes, this.#layout.offsets[number] ?? 0)
      // If the file was removed meanwhile, the chunk is gone too: its path is in the store.
      if (file.handle === handle) {
        this.#staged.add(number)
        this.#fresh.add(number)
        this.#remember(number, bytes)
      }
    } catch (thrown) {
      // Likewise if the file was closed before the write.
      if (file.handle !== handle && (thrown as NodeJS.ErrnoException).code === 'EBADF') return
      this.#bytes -= more
      file.bytes -= more
      if (more > 0) this.#written.remove(number)
      throw stagingError(thrown, join(this.#directory, file.name))
    }
  }

  #remember(number: number, bytes: Uint8Array): void {
    this.#unremember(number)
    this.#recent.set(number, bytes)
    this.#recentBytes += chunkMemory.heldBytes(bytes)
    for (const oldest of this.#recent.keys()) {
      if (this.#recentBytes <= this.#maxRecentBytes) break
      this.#unremember(oldest)
    }
  }

  #unremember(number: number): void {
    const bytes = this.#recent.get(number)
    if (bytes === undefined) return
    this.#recentBytes -= chunkMemory.heldBytes(bytes)
    this.#recent.delete(number)
    chunkMemory.give(bytes)
  }

  #forget(number: number): void {
    this.#staged.remove(number)
    this.#fresh.delete(number)
    this.#unremember(number)
  }

  #fileOf(number: number): StagedFile | undefined {
    return this.#files[this.#layout.rangeOf(number)]
  }

  #handleOf(file: StagedFile): Promise<FileHandle> {
    if (file.handle !== undefined) return file.handle
    const opening = (file.going ?? Promise.resolve()).then(() => this.#open(file.name))
    file.handle = opening
    file.writes = new GatheredWrites(opening)
    opening.catch(() => {
      if (file.handle === opening) file.handle = undefined
    })
    return opening
  }

  async #open(name: string): Promise<FileHandle> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    // None of the usual flags: chunks are written in place, in a file that may exist.
    return open(join(this.#directory, name), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  }

  async #remove(file: StagedFile): Promise<void> {
    this.#bytes -= file.bytes
    file.bytes = 0
    for (let number = file.from; number < file.to; number++) {
      this.#forget(number)
      this.#written.remove(number)
    }
    const closing = closeFile(file)
    const going = rm(join(this.#directory, file.name), { force: true }).finally(() => closing)
    // A file of the same name isn't created before this one is removed.
    file.going = going.catch(() => {})
    await going
  }
}

async function closeFile(file: StagedFile): Promise<void> {
  const { handle } = file
  file.handle = undefined
  // Waits for pending reads and writes; a file that never opened counts as closed.
  await handle?.then(each => each.close()).catch(() => {})
}
