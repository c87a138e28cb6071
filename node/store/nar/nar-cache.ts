/** The layouts of NARs that were read lately, bounded by the memory that they take. */
import { layoutCacheBytes } from '../limits.ts'
import { layOutNar, type NarLayout } from './nar-layout.ts'

/** Keeps layouts by a key that changes when the path's content does; computes each only once at a time. */
export class NarLayoutCache {
  /** In order of last use. */
  readonly #layouts = new Map<string, NarLayout>()
  readonly #underWay = new Map<string, Promise<NarLayout>>()
  readonly #maxBytes: number
  readonly #layOut: (root: string) => Promise<NarLayout>
  #bytes = 0

  constructor({ maxBytes = layoutCacheBytes, layOut = layOutNar } = {}) {
    this.#maxBytes = maxBytes
    this.#layOut = layOut
  }

  /** Memory that the kept layouts take, about. */
  get bytes(): number {
    return this.#bytes
  }

  async get(key: string, root: string): Promise<NarLayout> {
    const kept = this.#layouts.get(key)
    if (kept !== undefined) {
      this.#layouts.delete(key)
      this.#layouts.set(key, kept)
      return kept
    }
    const underWay = this.#underWay.get(key) ?? this.#compute(key, root)
    this.#underWay.set(key, underWay)
    return underWay
  }

  delete(key: string): void {
    this.#bytes -= this.#layouts.get(key)?.memoryBytes ?? 0
    this.#layouts.delete(key)
  }

  clear(): void {
    this.#layouts.clear()
    this.#bytes = 0
  }

  async #compute(key: string, root: string): Promise<NarLayout> {
    try {
      const layout = await this.#layOut(root)
      this.#layouts.set(key, layout)
      this.#bytes += layout.memoryBytes
      for (const oldest of this.#layouts.keys()) {
        // The newest may stay alone, however large: it is about to be used.
        if (this.#bytes <= this.#maxBytes || this.#layouts.size === 1) break
        this.delete(oldest)
      }
      return layout
    } finally {
      this.#underWay.delete(key)
    }
  }
}
