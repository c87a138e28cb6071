/** The local chunks of one closure: staged, in the closure's own paths, in any other path of the store, or in a bundle. */

import type { Positions } from '../../../protocol/closure/positions.ts'
import type { StorePath } from '../../../protocol/nix/store-path.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import type { Logger } from '../../process/log.ts'
import { Bitfield } from '../chunks/bitfield.ts'
import type { ChunkIndex, Place } from '../chunks/chunk-index.ts'
import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import { ChunkReader, type ChunkReaderComponents } from '../chunks/chunk-reader.ts'
import type { ChunkRuns, ChunkStore } from '../chunks/chunk-store.ts'
import type { Recipes } from '../recipe/recipe-book.ts'
import type { BundledChunks } from './bundled-chunks.ts'
import type { Staging } from './staging.ts'

export interface LocalChunksComponents {
  readonly store: ChunkReaderComponents['store'] & { validPaths(paths: readonly string[]): Promise<Set<string>> }
  readonly list: ChunkList
  readonly staging: Pick<Staging, 'has' | 'put' | 'read' | 'readRun' | 'releasePath'>
  readonly index: Pick<ChunkIndex, 'add' | 'remove' | 'has' | 'lookUp'>
  readonly recipes: Recipes
  /** Attached bundles, which are read last: they are slower than the store, and vanish. */
  readonly bundled?: Pick<BundledChunks, 'has' | 'read'>
  readonly log: Logger
}

export interface LocalChunksInit {
  /** Called when local chunks have vanished: a path was collected or is damaged. */
  readonly onLost?: (numbers: readonly number[]) => void
  /** Told of a valid path whose bytes are not what they should be. */
  readonly onDamaged?: (path: StorePath) => void
}

/** Instead of a path's index: no store path has the chunk. */
const nowhere = -1

export class LocalChunks implements ChunkStore, ChunkRuns {
  readonly #components: LocalChunksComponents
  readonly #onLost: (numbers: readonly number[]) => void
  readonly #onDamaged: (path: StorePath) => void
  readonly #reader: ChunkReader
  readonly #ofClosure: ReadonlyMap<StorePath, PathChunks>
  /** Paths that chunks are read from, by index, and the index of each. */
  readonly #sources: StorePath[] = []
  readonly #sourceOf = new Map<StorePath, number>()
  /** For each chunk, the path that it is read from, and its offset in that path's NAR. */
  readonly #source: Int32Array
  readonly #offset: Float64Array
  /** The closure's valid paths, and damaged paths. */
  readonly #valid = new Set<StorePath>()
  readonly #damaged = new Set<StorePath>()
  /** Vanished paths are handled one after another: the first check finds everything that one collection took. */
  readonly #mends = new SerialQueue()

  constructor(components: LocalChunksComponents, { onLost = () => {}, onDamaged = () => {} }: LocalChunksInit = {}) {
    this.#components = components
    this.#onLost = onLost
    this.#onDamaged = onDamaged
    const { list, store } = components
    this.#ofClosure = new Map(list.paths.map(path => [path.described.path, path]))
    this.#reader = new ChunkReader({ store, positionsOf: path => this.#positionsOf(path) })
    this.#source = new Int32Array(list.count).fill(nowhere)
    this.#offset = new Float64Array(list.count)
  }

  /**
   * Looks for the closure's chunks: in its valid paths, then in the chunk index. They are read and verified only when
   * needed. Adds valid paths that the index or the recipe book lacks.
   */
  async discover(): Promise<Bitfield> {
    const { store, list } = this.#components
    const valid = await store.validPaths([...this.#ofClosure.keys()])
    for (const path of list.paths) {
      if (valid.has(path.described.path)) await this.#enter(path)
    }
    await this.#locate(this.#missing())
    return this.here()
  }

  /** The local chunks, as far as is known. */
  here(): Bitfield {
    const { count } = this.#components.list
    const here = new Bitfield(count)
    for (let number = 0; number < count; number++) if (this.has(number)) here.add(number)
    return here
  }

  has(number: number): boolean {
    return this.#isKept(number) || this.#components.bundled?.has(number) === true
  }

  /** Whether it is on this machine's own disk. */
  #isKept(number: number): boolean {
    return (this.#source[number] ?? nowhere) !== nowhere || this.#components.staging.has(number)
  }

  /** Throws a StoreError if the store can't be reached; a missing chunk isn't an error. */
  async read(number: number): Promise<Uint8Array | undefined> {
    const { staging, list, bundled } = this.#components
    if (staging.has(number)) {
      const staged = await staging.read(number)
      if (staged !== undefined) return staged
      if (!this.has(number)) this.#onLost([number])
    }
    // Terminates: each iteration without success drops a path for good, and reports the chunks lost with it.
    for (let place = this.#place(number); place !== undefined; place = this.#place(number)) {
      const bytes = await this.#reader.read(place, list.hash(number))
      if (bytes !== undefined) return bytes
      await this.#drop(place.path)
    }
    // It may have been staged again meanwhile.
    return staging.has(number) ? staging.read(number) : bundled?.read(number)
  }

  async readRun(numbers: Iterable<number>, into: Buffer): Promise<number> {
    return await this.#components.staging.readRun(numbers, into)
  }

  async put(number: number, bytes: Uint8Array): Promise<void> {
    if (!this.has(number)) await this.#components.staging.put(number, bytes)
  }

  /** Stages a chunk that only a bundle has, as far as there is space: the bundle is about to be removed. Says whether it is here without it. */
  async stage(number: number): Promise<boolean> {
    const { staging, bundled } = this.#components
    const bytes = this.#isKept(number) ? undefined : await bundled?.read(number)
    if (bytes !== undefined) await staging.put(number, bytes)
    return this.#isKept(number)
  }

  /** A path of the closure is valid now: its chunks are read from the store, and their staging is released. */
  async pathValid(path: StorePath): Promise<void> {
    const chunks = this.#ofClosure.get(path)
    if (chunks === undefined) throw new RangeError(`expected a path of the closure, got ${path}`)
    this.#damaged.delete(path)
    await this.#enter(chunks)
  }

  async #enter(path: PathChunks): Promise<void> {
    const { staging, index, recipes } = this.#components
    const { described, recipe } = path
    this.#valid.add(described.path)
    this.#placeIn(path, () => true)
    if (!(await recipes.has(described.path))) await recipes.remember(described.path, described.recipe)
    if (!(await index.has(described.path))) await index.add(described.path, recipe)
    await staging.releasePath(described.path)
  }

  /** Records that chunks of a valid path of the closure are read from it. */
  #placeIn({ described, recipe, chunks }: PathChunks, wanted: (number: number) => boolean): void {
    chunks.forEach((number, i) => {
      if (wanted(number)) this.#setPlace(number, described.path, recipe.chunks[i]?.offset ?? 0)
    })
  }

  #setPlace(number: number, path: StorePath, offset: number): void {
    let source = this.#sourceOf.get(path)
    if (source === undefined) {
      source = this.#sources.push(path) - 1
      this.#sourceOf.set(path, source)
    }
    this.#source[number] = source
    this.#offset[number] = offset
  }

  #place(number: number): Place | undefined {
    const path = this.#sources[this.#source[number] ?? nowhere]
    if (path === undefined) return undefined
    return { path, offset: this.#offset[number] ?? 0, length: this.#components.list.length(number) }
  }

  #missing(): number[] {
    return Array.from(this.#source.keys()).filter(number => !this.#isKept(number))
  }

  /** Looks chunks up in other paths of the store; removes collected paths from the index. */
  async #locate(numbers: readonly number[]): Promise<void> {
    if (numbers.length === 0) return
    const { index, list, store, recipes } = this.#components
    const places = await index.lookUp(numbers.map(number => list.hash(number)))
    const paths = [...new Set(places.flat().map(({ path }) => path))].filter(path => !this.#damaged.has(path))
    const valid = await store.validPaths(paths)
    for (const path of paths) {
      if (!valid.has(path)) await this.#forget(path)
      // Without its recipe the references to blank aren't known; the path returns to the index with its recipe.
      else if (!(this.#ofClosure.has(path) || (await recipes.has(path)))) valid.delete(path)
    }
    numbers.forEach((number, i) => {
      const place = places[i]?.find(({ path, length }) => valid.has(path) && length === list.length(number))
      if (place !== undefined) this.#setPlace(number, place.path, place.offset)
    })
  }

  /** Drops a path that lacked a chunk, and all others that are no longer valid. */
  #drop(path: StorePath): Promise<void> {
    return this.#mends.run(() => this.#mend(path))
  }

  async #mend(path: StorePath): Promise<void> {
    if (!this.#sourceOf.has(path)) return
    const { store, log } = this.#components
    const valid = await store.validPaths([...this.#sourceOf.keys()])
    if (valid.delete(path)) {
      this.#damaged.add(path)
      this.#onDamaged(path)
    }
    const dropped = [...this.#sourceOf.keys()].filter(each => !valid.has(each))
    log.warn({ path, paths: dropped.length, damaged: this.#damaged.has(path) }, 'chunks have vanished from the store')
    const lost = this.#unplace(dropped)
    for (const each of dropped) await this.#forget(each)
    for (const each of this.#valid) {
      const chunks = this.#ofClosure.get(each)
      if (chunks !== undefined) this.#placeIn(chunks, number => lost.has(number))
    }
    await this.#locate([...lost].filter(number => !this.#isKept(number)))
    const gone = [...lost].filter(number => !this.has(number))
    if (gone.length > 0) this.#onLost(gone)
  }

  #unplace(dropped: readonly StorePath[]): Set<number> {
    const sources = new Set(dropped.map(path => this.#sourceOf.get(path)))
    const lost = new Set<number>()
    this.#source.forEach((source, number) => {
      if (source === nowhere || !sources.has(source)) return
      this.#source[number] = nowhere
      lost.add(number)
    })
    for (const path of dropped) {
      this.#sourceOf.delete(path)
      this.#valid.delete(path)
    }
    return lost
  }

  async #forget(path: StorePath): Promise<void> {
    const { index, recipes } = this.#components
    this.#reader.forget(path)
    await index.remove(path)
    // A damaged path keeps its recipe, which is correct: repairing the store makes the path usable again.
    if (!this.#damaged.has(path)) await recipes.forget(path)
  }

  async #positionsOf(path: StorePath): Promise<Positions | undefined> {
    const recipe = this.#ofClosure.get(path)?.recipe ?? (await this.#components.recipes.recipeFor(path))
    return recipe?.positions
  }
}
