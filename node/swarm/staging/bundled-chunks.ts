/** The chunks of one closure in attached bundles: they are read from there, without a copy on this disk. */

import type { DeltaEntry } from '../../../protocol/bundle/delta-index.ts'
import { messageOf } from '../../../protocol/errors.ts'
import type { Base } from '../../../protocol/messages/swarm.ts'
import type { Bundle } from '../../bundle/bundle.ts'
import type { BundleShelf } from '../../bundle/bundle-shelf.ts'
import type { Logger } from '../../process/log.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'

export interface BundledChunksComponents {
  readonly shelf: BundleShelf
  readonly list: ChunkList
  /** Unpacks deltas; without it, chunks that are there as deltas are not. */
  readonly deltas?: Deltas | undefined
  readonly log: Logger
}

/** What unpacks deltas out of older chunks of this machine. */
export interface Deltas {
  /** Which of these bases are here, as far as is known without reading them. */
  here(bases: readonly Base[]): Promise<boolean[]>
  /** A chunk's verified bytes; undefined if its base is gone, or it is another chunk. */
  unpack(entry: DeltaEntry, frame: Uint8Array): Promise<Uint8Array | undefined>
}

export interface BundledChunksInit {
  readonly onFound: (numbers: readonly number[]) => void
  readonly onLost: (numbers: readonly number[]) => void
}

/** Where a bundle says that a chunk lies: the pack, and the offset in its body; or a delta. */
type Place = { readonly bundle: Bundle; readonly pack: number } & (
  | { readonly offset: number; readonly delta?: undefined }
  | { readonly delta: DeltaEntry }
)

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
    const { bundle, pack, delta } = place
    try {
      if (delta !== undefined) return await this.#unpacked(number, bundle, delta)
      return await bundle.chunk({ id: list.hash(number), pack, offset: place.offset, length: list.length(number) })
    } catch (thrown) {
      log.warn({ pack, reason: messageOf(thrown) }, 'a pack of a bundle could not be read')
      this.#lose(
        each => each.bundle === bundle && each.pack === pack && (each.delta === undefined) === (delta === undefined),
      )
      return undefined
    }
  }

  /** One that can't be unpacked is lost alone: others of its pack may have other bases. */
  async #unpacked(number: number, bundle: Bundle, delta: DeltaEntry): Promise<Uint8Array | undefined> {
    const frame = await bundle.frame(delta)
    const bytes = await this.#components.deltas?.unpack(delta, frame)
    if (bytes === undefined) {
      this.#places.delete(number)
      this.#init.onLost([number])
    }
    return bytes
  }

  async #search(bundle: Bundle): Promise<number[]> {
    const { list, shelf } = this.#components
    const numbers = [...list.lengths.keys()].filter(number => !this.#places.has(number))
    const entries = await bundle.find(numbers.map(number => list.hash(number)))
    const rest = numbers.filter((_, i) => entries[i] === undefined)
    const deltas = await this.#searchDeltas(bundle, rest)
    // It may have been removed meanwhile.
    if (!shelf.bundles.includes(bundle)) return []
    const whole = numbers.filter((number, i) => {
      const entry = entries[i]
      if (entry === undefined || entry.length !== list.length(number)) return false
      this.#places.set(number, { bundle, pack: entry.pack, offset: entry.offset })
      return true
    })
    for (const [number, delta] of deltas) this.#places.set(number, { bundle, pack: delta.pack, delta })
    return [...whole, ...deltas.keys()]
  }

  /** Those whose bases are here: all others come from neighbours. */
  async #searchDeltas(bundle: Bundle, numbers: readonly number[]): Promise<Map<number, DeltaEntry>> {
    const { list, deltas } = this.#components
    if (deltas === undefined || numbers.length === 0) return new Map()
    const entries = await bundle.findDeltas(numbers.map(number => list.hash(number)))
    const found = numbers.flatMap((number, i) => {
      const entry = entries[i]
      return entry === undefined || entry.length !== list.length(number) ? [] : [[number, entry] as const]
    })
    const here = await deltas.here(found.map(([, { base }]) => base))
    return new Map(found.filter((_, i) => here[i]))
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
