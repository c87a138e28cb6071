/** Assembles NARs from chunks and imports them into the Nix store while chunks still arrive. */

import { setMaxListeners } from 'node:events'
import { messageOf } from '../../../protocol/errors.ts'
import { fileAddress, fileNarHeader, treeAddress } from '../../../protocol/nix/content-address.ts'
import type { SignedPathInfo } from '../../../protocol/nix/signature.ts'
import { AbortRace } from '../../concurrency/abort-race.ts'
import { Semaphore } from '../../concurrency/semaphore.ts'
import type { Logger } from '../../process/log.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import { StoreError } from '../../store/store-error.ts'
import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import type { ChunkRuns, ChunkStore } from '../chunks/chunk-store.ts'
import { AssemblyError } from './assembly-error.ts'
import { NarPieces } from './nar-pieces.ts'

/**
 * Up to this size a path is imported only once its chunks and references are complete: there is little latency to
 * hide.
 */
const smallPathBytes = 4 * 1024 ** 2

/**
 * Large paths that wait for references with all but their last piece sent, per streamed path: each occupies a daemon.
 */
const heldPerStream = 2

export interface AssemblerComponents {
  readonly store: Pick<NixStore, 'import'>
  readonly list: ChunkList
  /** `pathValid` is called for each imported path: its chunks are in the store and needn't stay staged. */
  readonly chunks: Pick<ChunkStore, 'has' | 'read'> & ChunkRuns & { pathValid(path: string): Promise<void> }
  readonly log: Pick<Logger, 'debug' | 'warn'>
}

export interface AssemblerInit {
  /** The number of concurrent imports of small paths, and of concurrent streams of large ones. */
  readonly parallel: number
}

export interface AssemblyOptions {
  readonly signal: AbortSignal
  /** Called when a path is valid and its chunks can be read from the store; awaited before the run ends. */
  readonly onPath?: (path: PathChunks) => Promise<void> | void
}

/** Resolves when a chunk is available here; rejects if it won't be. */
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
 * One run. Small and large paths are imported differently, and neither can deadlock:
 * - A small path takes a slot only when its references are valid and its chunks are here. So it needs nothing else
 * but the disk and the daemon, and frees its slot.
 * - A large path starts in the descriptor's order as soon as a stream and a connection are free, and sends chunks as
 * they arrive. When only the last chunk is left, it frees its stream and waits for its references with only its
 * connection.
 *
 * Suppose that all connections of large paths wait for references, and consider the first path in the descriptor's
 * order that isn't valid. Its references precede it, so they are valid. If it is small, it gets a slot as soon as its
 * chunks are here. If it is large, it has started, since large paths start in this order and all earlier ones are
 * done; so it isn't waiting for references. Either way it becomes valid, and by induction so do all.
 */
class Assembly {
  readonly #components: AssemblerComponents
  readonly #missing: readonly PathChunks[]
  readonly #pieces: NarPieces
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
    this.#onPath = onPath
    this.#signal = AbortSignal.any([signal, this.#abort.signal])
    // One listener for each concurrent import: more than the ten above which Node warns of a leak.
    setMaxListeners(0, this.#signal)
    this.#race = new AbortRace(this.#signal)
    this.#pieces = new NarPieces({ chunks: components.chunks, available, race: this.#race })
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
    // Removes all listeners, since the caller's signal may live long.
    this.#abort.abort()
  }

  /** The first failure is the run's: it becomes the signal's reason, which ends the other tasks. */
  async #orAbort(task: Promise<void>): Promise<void> {
    try {
      await task
    } catch (thrown) {
      this.#abort.abort(thrown)
    }
  }

  async #importSmall(path: PathChunks): Promise<void> {
    await this.#referencesValid(path)
    for (const number of path.chunks) await this.#pieces.awaitChunk(number)
    const endTurn = await this.#small.acquire(this.#race)
    try {
      await this.#import(path, verify => this.#pieces.of(path, { verify }))
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
      const running = this.#import(path, verify => this.#heldBack(path, verify, endStream)).finally(() => {
        endStream()
        endConnection()
      })
      imports.push(this.#orAbort(running.then(() => this.#imported(path))))
    }
    await Promise.all(imports)
  }

  /**
   * Staged chunks are not verified once more when they are read, since the store verifies the NAR. If it is wrong, they are: the
   * disk may have changed one, which then is fetched again.
   */
  async #import(path: PathChunks, nar: NarSource): Promise<void> {
    try {
      await this.#importOnce(path, nar, false)
    } catch (thrown) {
      // Of a changed length, Nix says many things.
      const mayBeDamage = thrown instanceof StoreError && ['nar-mismatch', 'daemon-refused'].includes(thrown.code)
      if (!mayBeDamage) throw thrown
      this.#components.log.warn(
        { path: path.described.path, reason: messageOf(thrown) },
        'its chunks are verified again',
      )
      await this.#importOnce(path, nar, true).catch(again => {
        throw isMismatch(again) ? wrongClosure(path.described.path, again) : again
      })
    }
  }

  async #importOnce(what: PathChunks, nar: NarSource, verify: boolean): Promise<void> {
    const { described, references } = what
    const { path, narHash, narSize, signatures } = described
    const signed = { path, narHash, narSize, references: references.toSorted() }
    const contentAddress = treeAddress(signed) ?? (await this.#fileAddress(signed, what))
    const info = { ...signed, signatures, ...(contentAddress && { contentAddress }) }
    const result = await this.#components.store.import(info, nar(verify), { signal: this.#signal })
    this.#components.log.debug({ path, result }, 'a path is valid')
  }

  /** Of a small path, whose chunks are all here: it is read for its address before it is read for the store. */
  async #fileAddress(info: SignedPathInfo, path: PathChunks): Promise<string | undefined> {
    if (info.narSize > smallPathBytes) return undefined
    const pieces: Uint8Array[] = []
    for await (const piece of this.#pieces.of(path, { verify: true })) {
      const isFile = pieces.length > 0 || fileNarHeader.equals(piece.subarray(0, fileNarHeader.length))
      if (!isFile) return undefined
      pieces.push(Buffer.from(piece))
    }
    return fileAddress(info, Buffer.concat(pieces))
  }

  async #imported(path: PathChunks): Promise<void> {
    this.#done.get(path.described.path)?.resolve()
    await this.#components.chunks.pathValid(path.described.path)
    await this.#onPath(path)
  }

  /**
   * The store sends a NAR's last piece when the source ends. A source that waits for its references before it ends
   * has therefore sent all but its last chunk. The stream is freed before that wait.
   */
  async *#heldBack(path: PathChunks, verify: boolean, endStream: () => void): AsyncGenerator<Uint8Array, void> {
    yield* this.#pieces.of(path, { verify })
    endStream()
    await this.#referencesValid(path)
  }

  async #referencesValid({ described, references }: PathChunks): Promise<void> {
    for (const reference of references) {
      if (reference === described.path) continue
      await this.#race.wait(this.#done.get(reference)?.promise ?? Promise.resolve())
    }
  }
}

/** A path's NAR, as often as it is asked for. */
type NarSource = (verify: boolean) => AsyncIterable<Uint8Array>

function isMismatch(thrown: unknown): thrown is StoreError {
  return thrown instanceof StoreError && thrown.code === 'nar-mismatch'
}

function wrongClosure(path: string, cause: StoreError): AssemblyError {
  const problem = `the chunks of ${path} are correct but don't form the NAR that the closure describes`
  return new AssemblyError('wrong-closure', `${problem}: ${messageOf(cause)}`, {
    hint: 'Release again: the published descriptor or recipe is wrong',
    cause,
  })
}
