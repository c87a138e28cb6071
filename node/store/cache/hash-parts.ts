/** Finds store paths by hash part, by scanning the store directory. */

import { opendir } from 'node:fs/promises'
import { hashPartLength, isStorePath, storeDir } from '../../../protocol/nix/store-path.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import { isMissing } from '../../files/missing.ts'
import { storeErrorFromFile } from '../store-error.ts'

/** Names read at a time: a large store has about 100,000. */
const namesPerRead = 1024

/**
 * One scan serves all requests that are waiting, and nothing is cached: an index would take tens of megabytes, and be
 * stale while paths are added.
 */
export class HashParts {
  readonly #dir: string
  #waiting: { wanted: Map<string, string[]>; done: Promise<void> } | undefined
  readonly #scans = new SerialQueue()

  /** `dir` is the real location of the store's paths, such as `/nix/store`. */
  constructor(dir: string) {
    this.#dir = dir
  }

  /**
   * Store paths with this hash part, valid or not; usually one or none. Throws a StoreError if the directory can't be
   * read.
   */
  async find(hashPart: string): Promise<string[]> {
    this.#waiting ??= this.#nextScan()
    const { wanted, done } = this.#waiting
    wanted.set(hashPart, wanted.get(hashPart) ?? [])
    await done
    return wanted.get(hashPart) ?? []
  }

  /** Starts after the running scan, which may have passed the position of newer paths. */
  #nextScan() {
    const wanted = new Map<string, string[]>()
    const done = this.#scans.run(() => {
      this.#waiting = undefined
      return this.#scan(wanted)
    })
    return { wanted, done }
  }

  async #scan(wanted: Map<string, string[]>): Promise<void> {
    try {
      for await (const { name } of await opendir(this.#dir, { bufferSize: namesPerRead })) {
        const found = wanted.get(name.slice(0, hashPartLength))
        const path = `${storeDir}/${name}`
        if (found !== undefined && isStorePath(path)) found.push(path)
      }
    } catch (thrown) {
      // A store that nothing was ever added to.
      if (!isMissing(thrown)) throw storeErrorFromFile(thrown, this.#dir)
    }
  }
}
