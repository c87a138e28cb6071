/** Temporary roots: the garbage collector spares these paths while their connection is open. */
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import { StoreError, storeError } from '../store-error.ts'
import type { WorkerClient } from '../worker/worker-client.ts'

/** Holds paths, valid or not yet, until it is released. */
export class TempRoots {
  readonly #open: () => Promise<WorkerClient>
  readonly #onRelease: () => void
  readonly #paths = new Set<string>()
  #client: WorkerClient | undefined
  readonly #queue = new SerialQueue()
  #released = false

  constructor(open: () => Promise<WorkerClient>, onRelease: () => void = () => {}) {
    this.#open = open
    this.#onRelease = onRelease
  }

  /** Holds one more path; resolves when the daemon has confirmed it. */
  add(path: string): Promise<void> {
    return this.addAll([path])
  }

  /** Holds more paths; resolves when the daemon has confirmed all. */
  addAll(paths: Iterable<string>): Promise<void> {
    return this.#queue.run(() => this.#add([...paths]))
  }

  /** Releases all paths; resolves when the connection is closed. */
  async release(): Promise<void> {
    this.#released = true
    this.#onRelease()
    await this.#client?.destroy()
    await this.#queue.drain()
    await this.#client?.destroy()
  }

  async #add(paths: string[]): Promise<void> {
    if (this.#client?.usable) {
      try {
        await this.#hold(this.#client, paths)
        return
      } catch (thrown) {
        if (!(thrown instanceof StoreError) || thrown.code !== 'store-unavailable' || this.#released) throw thrown
      }
    }
    if (this.#released) throw storeError('store-unavailable', 'The temp roots have been released')
    // If the daemon ended, its roots are lost: all are added again.
    await this.#client?.destroy()
    this.#client = await this.#open()
    await this.#hold(this.#client, [...this.#paths, ...paths])
  }

  async #hold(client: WorkerClient, paths: string[]): Promise<void> {
    for (const path of paths) {
      await client.addTempRoot(path)
      this.#paths.add(path)
    }
  }
}
