/** Keeps a few store files open between reads, since the chunks of a file are read in sequence. */
import { constants, fstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { maxOpenFiles, openFileIdleMs } from '../limits.ts'
import { storeError } from '../store-error.ts'

interface OpenFile {
  readonly key: string
  readonly handle: Promise<FileHandle>
  users: number
}

/** Opens files on first use and closes the least recently used. More are open only during more concurrent reads. */
export class FileHandles {
  /** In order of last use. */
  readonly #files = new Map<string, OpenFile>()
  readonly #maxOpen: number
  readonly #idleMs: number
  #timer: NodeJS.Timeout | undefined

  constructor({ maxOpen = maxOpenFiles, idleMs = openFileIdleMs } = {}) {
    this.#maxOpen = maxOpen
    this.#idleMs = idleMs
  }

  /** The number of open files. */
  get open(): number {
    return this.#files.size
  }

  /**
   * Lends a file that must have exactly `size` bytes.
   *
   * @throws StoreError `path-invalid` if it has another size; errors of `open`, unchanged.
   */
  async use<T>(path: Buffer, size: number, run: (handle: FileHandle) => Promise<T>): Promise<T> {
    const key = path.toString('latin1')
    const file: OpenFile = this.#files.get(key) ?? { key, handle: openExact(path, size), users: 0 }
    this.#files.delete(key)
    this.#files.set(key, file)
    file.users++
    try {
      return await run(await file.handle)
    } catch (thrown) {
      // Not lent again: the next reader reopens it.
      if (this.#files.get(key) === file) this.#files.delete(key)
      throw thrown
    } finally {
      file.users--
      this.#tidy(file)
    }
  }

  /** Closes unused files; files in use close when their reader is done. */
  async closeUnused(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await Promise.all([...this.#files.values()].filter(file => file.users === 0).map(file => this.#close(file)))
  }

  #tidy(used: OpenFile): void {
    if (used.users === 0 && this.#files.get(used.key) !== used) void this.#close(used)
    for (const file of this.#files.values()) {
      if (this.#files.size <= this.#maxOpen) break
      if (file.users === 0) void this.#close(file)
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.closeUnused(), this.#idleMs)
    this.#timer.unref()
  }

  async #close(file: OpenFile): Promise<void> {
    if (this.#files.get(file.key) === file) this.#files.delete(file.key)
    try {
      await (await file.handle).close()
    } catch {
      // It failed to open: its readers have received the error.
    }
  }
}

async function openExact(path: Buffer, size: number): Promise<FileHandle> {
  // A store path's file never becomes a symlink; if it does, its target must not be read.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    // Synchronous: for an open file the kernel has it in memory, and waking a thread costs more.
    const stats = fstatSync(handle.fd)
    if (!stats.isFile() || stats.size !== size) {
      throw storeError('path-invalid', `Expected a file of ${size} bytes at ${path}, got one of ${stats.size}`)
    }
    return handle
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}
