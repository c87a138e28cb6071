/** The chunks of one closure in attached bundles: they are read from there, without a copy on this disk. */

import { messageOf } from '../../../protocol/errors.ts'
import type { Bundle } from '../../bundle/bundle.ts'
import type { BundleShelf } from '../../bundle/bundle-shelf.ts'
import type { Logger } from '../../process/log.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'

export interface BundledChunksComponents {
  readonly shelf: BundleShelf
  readonly list: ChunkList
  readonly log: Logger
}

export interface BundledChunksInit {
  readonly onFound: (numbers: readonly number[]) => void
  readonly onLost: (numbers: readonly number[]) => void
}

/** Where a bundle says that a chunk lies: the pack, and the offset in its body. */
interface Place {
  readonly bundle: Bundle
  readonly pack: number
  readonly offset: number
}

export class BundledChunks {
  readonly #components: BundledChunksComponents
  readonly #init: BundledChunksInit
  readonly #places = new Map<number, Place>()
  readonly #onAttached = (bundle: Bundle) => void this.#search(bundle).then(this.#found, this.#failed(bundle))
  readonly #onDetached = (bundle: Bundle) => this.#lose(each => each.bundle === bundle)
  readonly #found = (numbers: readonly number[]) => {
    if (numbers.length > 0) this.#init.onFound(numbers)
  }

  private constructor(components: BundledChunksComponents, init: BundledChunksInit) {
    this.#components = components
    this.#init = init
  }

  /** Searches the attached bundles, and follows the shelf until `close`. */
  static async open(components: BundledChunksComponents, init: BundledChunksInit): Promise<BundledChunks> {
    const chunks = new BundledChunks(components, init)
    const { shelf } = components
    shelf.on('attached', chunks.#onAttached)
    shelf.on('detached', chunks.#onDetached)
    for (const bundle of shelf.bundles) await chunks.#search(bundle).catch(chunks.#failed(bundle))
    return chunks
  }

  close(): void {
    const { shelf } = this.#components
    shelf.off('attached', this.#onAttached)
    shelf.off('detached', this.#onDetached)
    this.#places.clear()
  }

  has(number: number): boolean {
    return this.#places.has(number)
  }

  /** The chunk's verified bytes; undefined if they can't be read, and from then on `has` returns false. */
  async read(number: number): Promise<Uint8Array | undefined> {
    const place = this.#places.get(number)
    if (place === undefined) return undefined
    const { list, log } = this.#components
    const { bundle, pack, offset } = place
    try {
      return await bundle.chunk({ id: list.hash(number), pack, offset, length: list.length(number) })
    } catch (thrown) {
      log.warn({ pack, reason: messageOf(thrown) }, 'a pack of a bundle could not be read')
      this.#lose(each => each.bundle === bundle && each.pack === pack)
      return undefined
    }
  }

  async #search(bundle: Bundle): Promise<number[]> {
    const { list, shelf } = this.#components
    const numbers = [...list.lengths.keys()].filter(number => !this.#places.has(number))
    const entries = await bundle.find(numbers.map(number => list.hash(number)))
    // It may have been removed meanwhile.
    if (!shelf.bundles.includes(bundle)) return []
    return numbers.filter((number, i) => {
      const entry = entries[i]
      if (entry === undefined || entry.length !== list.length(number)) return false
      this.#places.set(number, { bundle, pack: entry.pack, offset: entry.offset })
      return true
    })
  }

  #lose(isGone: (place: Place) => boolean): void {
    const lost = [...this.#places].flatMap(([number, place]) => (isGone(place) ? [number] : []))
    for (const number of lost) this.#places.delete(number)
    if (lost.length > 0) this.#init.onLost(lost)
  }

  #failed(bundle: Bundle): (thrown: unknown) => void {
    return thrown => {
      const { release } = bundle.manifest
      this.#components.log.warn({ release, reason: messageOf(thrown) }, 'the index of a bundle could not be read')
    }
  }
}
