/** The unpacked packs that were used last: a few in memory, or more in a scratch file without a name. */

import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { limits } from '../../protocol/limits.ts'
import { readUpTo } from '../files/file-io.ts'
import { cachedPacks, scratchPacks } from './limits.ts'

/** A pack, in memory or at a place of the scratch file; `gone` once another pack is written there. */
interface Entry {
  readonly place: number
  readonly ready: Promise<Uint8Array>
  gone: boolean
}

/**
 * Neighbours request chunks in a random order out of the next 32 MiB, each from its own position. A cache that holds
 * less would unpack a pack for every few chunks; so much memory is not there.
 */
export class PackCache {
  readonly #scratch: FileHandle | undefined
  readonly #entries: LRUCache<string, Entry>

  private constructor(scratch: FileHandle | undefined) {
    this.#scratch = scratch
    this.#entries = new LRUCache({ max: scratch === undefined ? cachedPacks : scratchPacks })
  }

  /** With a directory, the packs lie in a file there, which the kernel removes with this process. */
  static async open(directory: string | undefined): Promise<PackCache> {
    if (directory === undefined) return new PackCache(undefined)
    const file = join(directory, `packs-${process.pid}-${Date.now()}`)
    const handle = await open(file, 'wx+', 0o600)
    await rm(file)
    return new PackCache(handle)
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#entries.values()].map(({ ready }) => ready))
    await this.#scratch?.close()
  }

  /** A part of a pack's body; `unpack` makes the body if it isn't here. The part is shorter where the body ends. */
  async part(key: string, offset: number, length: number, unpack: () => Promise<Uint8Array>): Promise<Uint8Array> {
    for (;;) {
      const entry = this.#entries.get(key) ?? this.#add(key, unpack)
      const body = await entry.ready
      if (this.#scratch === undefined) return body.subarray(offset, offset + length)
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
    const entry: Entry = { place, ready: this.#fill(place, before, unpack), gone: false }
    this.#entries.set(key, entry)
    // A stick with a loose contact may answer the next time.
    entry.ready.catch(() => {
      if (this.#entries.peek(key) === entry) this.#entries.delete(key)
    })
    return entry
  }

  #freePlace(): number {
    const taken = new Set([...this.#entries.values()].map(({ place }) => place))
    let place = 0
    while (taken.has(place)) place++
    return place
  }

  /** With a scratch file, resolves to nothing: the body is there. */
  async #fill(place: number, before: Entry | undefined, unpack: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const body = await unpack()
    if (this.#scratch === undefined) return body
    // Otherwise both would write to one place.
    await before?.ready.catch(() => {})
    await this.#scratch.write(body, 0, body.length, place * limits.bundlePack)
    return nothing
  }
}

const nothing = new Uint8Array()
