/** Assembles NARs from chunks and brings them into the Nix store, while the chunks still come. */

import { setMaxListeners } from 'node:events'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { AbortRace } from '../../concurrency/abort-race.ts'
import { Semaphore } from '../../concurrency/semaphore.ts'
import type { Logger } from '../../process/log.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import { StoreError } from '../../store/store-error.ts'
import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import { hasReferences, restore } from '../recipe/normalise.ts'

/**
 * `wrong-closure`: verified chunks make another NAR than the descriptor says. `chunk-lost`: a chunk is said to be here
 * again and again, and never is.
 */
export class AssemblyError extends ThymeshError<'wrong-closure' | 'chunk-lost'> {}

/** A path up to this size takes no time worth hiding: its import begins when nothing is left to wait for. */
const smallPathBytes = 4 * 1024 ** 2

/** Large paths that wait for references, all but their last piece sent, for each that is streamed: a daemon each. */
const heldPerStream = 2

/** Chunks read ahead of the one that is sent: as many as there are threads to read them. */
const readAheadChunks = 4

/** A chunk that is gone when it is to be read is asked for again: each time a garbage collection must have struck. */
const maxChunkTries = 8

export interface AssemblerComponents {
  readonly store: Pick<NixStore, 'import'>
  readonly list: ChunkList
  /** `pathValid` is told of each path that came in: its chunks are in the store now and need no staging. */
  readonly chunks: Pick<ChunkStore, 'has' | 'read'> & { pathValid(path: string): Promise<void> }
  readonly log: Pick<Logger, 'debug'>
}

export interface AssemblerInit {
  /** Small paths imported at a time, and large ones streamed at a time. */
  readonly parallel: number
}

export interface AssemblyOptions {
  readonly signal: AbortSignal
  /** Called when a path is valid and its chunks are read from the store; awaited before the run ends. */
  readonly onPath?: (path: PathChunks) => Promise<void> | void
}

/** Resolves when a chunk can be read here; rejects when it will not be. */
export type Availability = (number: number) => Promise<void>

export class Assembler {
  readonly #components: AssemblerComponents
  readonly #init: AssemblerInit

  constructor(components: AssemblerComponents, init: AssemblerInit) {
    this.#components = components
    this.#init = init
  }

  /**
   * Imports all of `missing`, which stand in the descriptor's order; what else they reference is valid and held by temp
   * roots, as they are themselves. When one fails, all are broken off: those that are valid by then stay, which harms
   * nobody, and of the others the store keeps nothing. Signatures are checked before the fetch, and by the store.
   *
   * @throws StoreError; AssemblyError; what `available` or `onPath` reject with; the signal's reason.
   */
  async run(missing: readonly PathChunks[], available: Availability, options: AssemblyOptions): Promise<void> {
    options.signal.throwIfAborted()
    await new Assembly(this.#components, this.#init, missing, available, options).run()
  }
}

/**
 * One run. Small paths and large ones go different ways, and neither way can lock up:
 *
 * - A small path takes a turn only when its references are valid and its chunks are here. So whoever has a turn needs
 *   nothing but the disk and the daemon, and gives it back.
 * - A large path begins as soon as a stream and a connection are free, in the descriptor's order, and sends chunks as they
 *   come. With all chunks sent but the last, it gives up its stream and waits for its references with its connection only.
 *
 * Suppose that every connection of large paths is taken by one that waits for references, and consider the first path in
 * the descriptor's order that isn't valid. What it references stands before it, so it is valid. If it is small it has its
 * turn as soon as its chunks are here. If it is large it has begun, since large paths begin in this order and all that
 * stand before it are done; then it doesn't wait for references. Either way it becomes valid, and so on to the last.
 */
class Assembly {
  readonly #components: AssemblerComponents
  readonly #missing: readonly PathChunks[]
  readonly #available: Availability
  readonly #onPath: (path: PathChunks) => Promise<void> | void
  readonly #abort = new AbortController()
  readonly #signal: AbortSignal
  readonly #race: AbortRace
  readonly #small: Semaphore
  readonly #streams: Semaphore
  readonly #connections: Semaphore
  readonly #done: ReadonlyMap<string, PromiseWithResolvers<void>>

  constructor(
    components: AssemblerComponents,
    { parallel }: AssemblerInit,
    missing: readonly PathChunks[],
    available: Availability,
    { signal, onPath = () => {} }: AssemblyOptions,
  ) {
    this.#components = components
    this.#missing = missing
    this.#available = available
    this.#onPath = onPath
    this.#signal = AbortSignal.any([signal, this.#abort.signal])
    // One for each import at a time, which is more than the ten that Node takes for a leak.
    setMaxListeners(0, this.#signal)
    this.#race = new AbortRace(this.#signal)
    this.#small = new Semaphore(parallel)
    this.#streams = new Semaphore(parallel)
    this.#connections = new Semaphore(parallel * (1 + heldPerStream))
    this.#done = new Map(missing.map(({ described }) => [described.path, Promise.withResolvers<void>()]))
  }

  async run(): Promise<void> {
    const isSmall = ({ described }: PathChunks) => described.narSize <= smallPathBytes
    const tasks = this.#missing.filter(isSmall).map(path => this.#orAbort(this.#importSmall(path)))
    tasks.push(this.#orAbort(this.#importLarge(this.#missing.filter(path => !isSmall(path)))))
    await Promise.allSettled(tasks)
    this.#signal.throwIfAborted()
    // Nothing is left to listen for, and the caller's signal may live long.
    this.#abort.abort()
  }

  /** The first failure is the run's: it becomes the signal's reason, which is what the others end with. */
  async #orAbort(task: Promise<void>): Promise<void> {
    try {
      await task
    } catch (thrown) {
      this.#abort.abort(thrown)
    }
  }

  async #importSmall(path: PathChunks): Promise<void> {
    await this.#referencesValid(path)
    for (const number of path.chunks) await this.#awaitChunk(number)
    const endTurn = await this.#small.acquire(this.#race)
    try {
      await this.#import(path, this.#nar(path))
    } finally {
      endTurn()
    }
    await this.#imported(path)
  }

  async #importLarge(paths: readonly PathChunks[]): Promise<void> {
    const imports: Promise<void>[] = []
    for (const path of paths) {
      const endStream = await this.#streams.acquire(this.#race)
      const endConnection = await this.#connections.acquire(this.#race)
      const running = this.#import(path, this.#heldBack(path, endStream)).finally(() => {
        endStream()
        endConnection()
      })
      imports.push(this.#orAbort(running.then(() => this.#imported(path))))
    }
    await Promise.all(imports)
  }

  async #import({ described, references }: PathChunks, nar: AsyncIterable<Uint8Array>): Promise<void> {
    const { path, narHash, narSize, signatures } = described
    const info = { path, narHash, narSize, references: references.toSorted(), signatures }
    try {
      const result = await this.#components.store.import(info, nar, { signal: this.#signal })
      this.#components.log.debug({ path, result }, 'a path is valid')
    } catch (thrown) {
      if (!(thrown instanceof StoreError) || thrown.code !== 'nar-mismatch') throw thrown
      const problem = `the chunks of ${path} are right but don't make the NAR that the closure describes`
      throw new AssemblyError('wrong-closure', `${problem}: ${messageOf(thrown)}`, {
        hint: 'Release again: the descriptor or the recipe that was published is wrong',
        cause: thrown,
      })
    }
  }

  async #imported(path: PathChunks): Promise<void> {
    this.#done.get(path.described.path)?.resolve()
    await this.#components.chunks.pathValid(path.described.path)
    await this.#onPath(path)
  }

  /**
   * The store sends a NAR's last piece when the source has ended, so a source that waits for the references before it
   * ends has all sent but its last chunk. The stream goes to the next path before that.
   */
  async *#heldBack(path: PathChunks, endStream: () => void): AsyncGenerator<Uint8Array, void> {
    yield* this.#nar(path)
    endStream()
    await this.#referencesValid(path)
  }

  async *#nar(path: PathChunks): AsyncGenerator<Uint8Array, void> {
    const { recipe, chunks, slots } = path
    const ahead: Promise<Uint8Array>[] = []
    for (let next = 0, place = 0; place < chunks.length; place++) {
      for (; next < chunks.length && next < place + readAheadChunks; next++) {
        const reading = this.#chunk(chunks[next] ?? 0)
        // Its error is thrown where it is awaited, and forgotten if it never is.
        reading.catch(() => {})
        ahead.push(reading)
      }
      const bytes = await ahead.shift()
      if (bytes === undefined) return
      const offset = recipe.chunks[place]?.offset ?? 0
      // A copy, since the chunk's bytes may be on their way to another peer.
      const isPlain = !hasReferences(bytes.length, offset, recipe.positions)
      yield isPlain ? bytes : restore(Buffer.from(bytes), offset, recipe.positions, slots)
    }
  }

  async #chunk(number: number): Promise<Uint8Array> {
    for (let tries = 0; tries < maxChunkTries; tries++) {
      await this.#awaitChunk(number)
      const bytes = await this.#race.wait(this.#components.chunks.read(number))
      if (bytes !== undefined) return bytes
    }
    throw new AssemblyError('chunk-lost', `expected chunk ${number}, it was gone ${maxChunkTries} times`)
  }

  async #awaitChunk(number: number): Promise<void> {
    if (!this.#components.chunks.has(number)) await this.#race.wait(this.#available(number))
  }

  async #referencesValid({ described, references }: PathChunks): Promise<void> {
    for (const reference of references) {
      if (reference === described.path) continue
      await this.#race.wait(this.#done.get(reference)?.promise ?? Promise.resolve())
    }
  }
}
