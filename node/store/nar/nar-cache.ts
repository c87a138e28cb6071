/** Caches the layouts of recently read NARs, limited by memory and by age. */
import { LRUCache } from 'lru-cache'
import { forgottenAfter } from '../../concurrency/forgotten-after.ts'
import { layoutCacheBytes, layoutIdleMs } from '../limits.ts'
import { layOutNar } from './nar-layout.ts'
import type { NarLayout } from './nar-table.ts'

/** Caches layouts by a key that changes with the path's content; concurrent requests share one computation. */
export class NarLayoutCache {
  readonly #layouts: LRUCache<string, NarLayout>
  readonly #underWay = new Map<string, Promise<NarLayout>>()
  readonly #layOut: (root: string) => Promise<NarLayout>

  constructor({ maxBytes = layoutCacheBytes, idleMs = layoutIdleMs, layOut = layOutNar } = {}) {
    // A layout larger than the limit may stay alone: it is about to be used.
    const sizeCalculation = ({ memoryBytes }: NarLayout) => Math.min(maxBytes, memoryBytes)
    this.#layouts = new LRUCache({ maxSize: maxBytes, sizeCalculation, ...forgottenAfter(idleMs) })
    this.#layOut = layOut
  }

  /** The approximate memory of the cached layouts. */
  get bytes(): number {
    return this.#layouts.values().reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
  }

  async get(key: string, root: string): Promise<NarLayout> {
    const kept = this.#layouts.get(key)
    if (kept !== undefined) return kept
    const underWay = this.#underWay.get(key) ?? this.#compute(key, root)
    this.#underWay.set(key, underWay)
    return underWay
  }

  delete(key: string): void {
    this.#layouts.delete(key)
  }

  clear(): void {
    this.#layouts.clear()
  }

  async #compute(key: string, root: string): Promise<NarLayout> {
    try {
      const layout = await this.#layOut(root)
      this.#layouts.set(key, layout)
      return layout
    } finally {
      this.#underWay.delete(key)
    }
  }
}
