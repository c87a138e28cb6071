/**
 * The unpacked packs of the bundle that was closed last, in its scratch file: a stick that was pulled out and put in again
 * is not read twice. Chunks are hashed when they are read, so that another bundle of the same name harms nothing.
 */

import { PackCache } from './pack-cache.ts'

export class KeptPacks {
  #kept: { readonly key: string; readonly cache: PackCache } | undefined
  #isStopped = false

  /** The cache of a bundle, as it was left or empty; `key` is the hash at its end. */
  async take(key: string, scratch: string): Promise<PackCache> {
    const kept = this.#kept
    this.#kept = undefined
    if (kept?.key === key) return kept.cache
    await kept?.cache.close()
    return await PackCache.open(scratch)
  }

  /** Keeps the cache of a bundle that is closed, in the place of the last one. */
  async keep(key: string, cache: PackCache): Promise<void> {
    const last = this.#isStopped ? { cache } : this.#kept
    if (!this.#isStopped) this.#kept = { key, cache }
    await last?.cache.close()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    const kept = this.#kept
    this.#kept = undefined
    await kept?.cache.close()
  }
}
