/** The unpacked packs that were used last: a few in memory, or more in a scratch file without a name. */

import { type FileHandle, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { limits } from '../../protocol/limits.ts'
import { readUpTo } from '../files/file-io.ts'
import { cachedPacks, fewestScratchPacks, scratchPacks, scratchShare } from './limits.ts'

/** A pack, in memory or at a place of the scratch file; `gone` once another pack is written there. */
interface Entry {
  readonly place: number
  /** Resolves once the pack can be read at its place. */
  readonly ready: Promise<void>
  /** The body in memory: always, or until it is in the scratch file. */
  body: Promise<Uint8Array> | undefined
  gone: boolean
}

/**
 * Neighbours request chunks in a random order out of the next 32 MiB, each from its own position. A cache that holds
 * less would unpack a pack for every few chunks; so much memory is not there.
 */
export class PackCache {
  readonly #scratch: FileHandle | undefined
  readonly #entries: LRUCache<string, Entry>

  private constructor(scratch: FileHandle | undefined, most: number) {
    this.#scratch = scratch
    this.#entries = new LRUCache({ max: most })
  }

  /** With a directory, the packs lie in a file there, which the kernel removes with this process. */
  static async open(directory: string | undefined): Promise<PackCache> {
    if (directory === undefined) return new PackCache(undefined, cachedPacks)
    const file = join(directory, `packs-${process.pid}-${Date.now()}`)
    const handle = await open(file, 'wx+', 0o600)
    await rm(file)
    return new PackCache(handle, await placesIn(directory))
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#entries.values()].map(({ ready }) => ready))
    await this.#scratch?.close()
  }

  /** A part of a pack's body; `unpack` makes the body if it isn't here. The part is shorter where the body ends. */
  async part(key: string, offset: number, length: number, unpack: () => Promise<Uint8Array>): Promise<Uint8Array> {
    for (;;) {
      const entry = this.#entries.get(key) ?? this.#add(key, unpack)
      // Who waits for it gets it, even if other packs push it out meanwhile: under pressure nobody would ever read one else.
      if (entry.body !== undefined) return partOf(await entry.body, offset, length, this.#scratch === undefined)
      if (this.#scratch === undefined) throw new Error('expected a pack in memory')
      const most = Math.min(length, Math.max(0, limits.bundlePack - offset))
      const part = await readUpTo(this.#scratch, most, entry.place * limits.bundlePack + offset)
      if (!entry.gone) return part
    }
  }

  #add(key: string, unpack: () => Promise<Uint8Array>): Entry {
    const { max, size } = this.#entries
    const before = size < max ? undefined : this.#entries.pop()
    if (before !== undefined) before.gone = true
    const place = before?.place ?? this.#freePlace()
    const body = unpack()
    const entry: Entry = { place, body, ready: this.#write(place, before, body), gone: false }
    this.#entries.set(key, entry)
    entry.ready.then(
      () => {
        if (this.#scratch !== undefined) entry.body = undefined
      },
      // A stick with a loose contact may answer the next time.
      () => {
        if (this.#entries.peek(key) === entry) this.#entries.delete(key)
      },
    )
    return entry
  }

  #freePlace(): number {
    const taken = new Set([...this.#entries.values()].map(({ place }) => place))
    let place = 0
    while (taken.has(place)) place++
    return place
  }

  async #write(place: number, before: Entry | undefined, unpacking: Promise<Uint8Array>): Promise<void> {
    const body = await unpacking
    if (this.#scratch === undefined) return
    // Otherwise both would write to one place.
    await before?.ready.catch(() => {})
    await this.#scratch.write(body, 0, body.length, place * limits.bundlePack)
  }
}

/** A copy where the body is not kept: a part must not hold all of it. */
function partOf(body: Uint8Array, offset: number, length: number, isKept: boolean): Uint8Array {
  return isKept ? body.subarray(offset, offset + length) : body.slice(offset, offset + length)
}

/** As many packs as the disk has room for, within the limits. */
async function placesIn(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  const room = Math.floor((bavail * bsize * scratchShare) / limits.bundlePack)
  return Math.max(fewestScratchPacks, Math.min(scratchPacks, room))
}
