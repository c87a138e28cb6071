/** A few files of the store that stay open between reads, because chunks of a file are read one after another. */
import { constants, fstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { maxOpenFiles, openFileIdleMs } from '../limits.ts'
import { storeError } from '../store-error.ts'

interface OpenFile {
  readonly key: string
  readonly handle: Promise<FileHandle>
  users: number
}

/** Opens files on first use and closes the one unused for longest. More are open only while more are read at once. */
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

  /** How many files are open. */
  get open(): number {
    return this.#files.size
  }

  /**
   * Lends a file that must have exactly `size` bytes.
   *
   * @throws StoreError `path-invalid` when it has another size; what `open` throws, as it is.
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
      // Not lent again: the next reader opens what is there then.
      if (this.#files.get(key) === file) this.#files.delete(key)
      throw thrown
    } finally {
      file.users--
      this.#tidy(file)
    }
  }

  /** Closes what nobody uses now; what is being read closes when its reader is done. */
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
      // It never opened: its readers have been told.
    }
  }
}

async function openExact(path: Buffer, size: number): Promise<FileHandle> {
  // A store path's file is never replaced by a link; if it is, what it points to is nobody's business.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    // Of an open file, what the kernel holds in memory: no wait is worth a thread's waking.
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
