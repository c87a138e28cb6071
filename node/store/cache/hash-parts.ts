/** Finds store paths by their hash part, by their names in the store's folder. */

import { opendir } from 'node:fs/promises'
import { hashPartLength, isStorePath, storeDir } from '../../../protocol/nix/store-path.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import { isMissing } from '../../files/missing.ts'
import { storeErrorFromFile } from '../store-error.ts'

/** Names read at a time: a large store has some 100,000. */
const namesPerRead = 1024

/**
 * Looks through the folder once for all that is asked for meanwhile, and keeps nothing: an index would take tens of
 * megabytes, and be out of date while paths come in.
 */
export class HashParts {
  readonly #dir: string
  #waiting: { wanted: Map<string, string[]>; done: Promise<void> } | undefined
  readonly #scans = new SerialQueue()

  /** `dir` is where the store's paths lie in truth, such as `/nix/store`. */
  constructor(dir: string) {
    this.#dir = dir
  }

  /** Store paths with this hash part, valid or not; mostly one or none. Throws a StoreError if there is no reading. */
  async find(hashPart: string): Promise<string[]> {
    this.#waiting ??= this.#nextScan()
    const { wanted, done } = this.#waiting
    wanted.set(hashPart, wanted.get(hashPart) ?? [])
    await done
    return wanted.get(hashPart) ?? []
  }

  /** Begins when the scan under way has ended, as that may have gone past what has come since. */
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
      // A store that nothing was ever put into.
      if (!isMissing(thrown)) throw storeErrorFromFile(thrown, this.#dir)
    }
  }
}
