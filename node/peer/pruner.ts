/** Prunes documents that are no longer live, at start and once a day, to bound a peer's disk usage. */

import { toHex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Logger } from '../process/log.ts'
import type { Table } from '../state/database.ts'
import type { FleetState } from '../state/fleet-state.ts'
import { keptReleases } from '../state/limits.ts'
import type { OwnState } from '../state/own-state.ts'
import type { ProposalBook } from '../state/proposal-book.ts'
import type { NixStore } from '../store/local/nix-store.ts'
import type { ChunkIndex } from '../swarm/chunks/chunk-index.ts'
import type { Closures } from '../swarm/chunks/closures.ts'
import type { RecipeBook } from '../swarm/recipe/recipe-book.ts'
import { pruneAfterUpdates, pruneIntervalMs } from './limits.ts'
import { liveDocuments } from './live-documents.ts'

export interface PrunerComponents {
  state: FleetState
  own: Pick<OwnState, 'pruned' | 'setPruned'>
  closures: Pick<Closures, 'reload'>
  recipes: Pick<RecipeBook, 'entries' | 'forget'>
  index: Pick<ChunkIndex, 'paths' | 'remove'>
  store: Pick<NixStore, 'validPaths'>
  directory: Pick<Directory, 'member'>
  history: Table
  proposals: Pick<ProposalBook, 'all'>
  log: Logger
}

export interface PrunerInit {
  /**
   * Prunes only if the interval has passed. Commands start a controller many times a day; a device prunes at each
   * start.
   */
  whenDue?: boolean
  intervalMs?: number
}

/** Further live documents of a component: SHA-256 in hex. */
export type DocumentRoots = () => Promise<Iterable<string>>

export class Pruner {
  readonly #components: PrunerComponents
  readonly #stop = new AbortController()
  readonly #roots: DocumentRoots[] = []
  readonly #topLevels: (() => Promise<Iterable<string>>)[] = []
  #timer: NodeJS.Timeout | undefined
  readonly #prunings = new SerialQueue()
  #updates = 0
  readonly #onUpdate = () => {
    this.#updates++
    if (this.#updates % pruneAfterUpdates === 0) void this.prune()
  }

  constructor(components: PrunerComponents) {
    this.#components = components
  }

  /** Adds a source of live documents, queried at each pruning. If it fails, nothing is deleted. */
  addRoots(roots: DocumentRoots): void {
    this.#roots.push(roots)
  }

  /** Adds a source of top levels that the machine may still go to. */
  addTopLevels(topLevels: () => Promise<Iterable<string>>): void {
    this.#topLevels.push(topLevels)
  }

  start({ whenDue = false, intervalMs = pruneIntervalMs }: PrunerInit = {}): void {
    this.#timer = setInterval(() => void this.prune(), intervalMs)
    this.#components.state.on('changed', this.#onUpdate)
    void (whenDue ? this.#pruneIfDue(intervalMs) : this.prune())
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#components.state.off('changed', this.#onUpdate)
    this.#stop.abort(new Error('the peer stops'))
    await this.#prunings.drain()
  }

  /** Deletes documents that aren't live; one pruning at a time. Never rejects. */
  prune(): Promise<void> {
    return this.#prunings
      .run(() => this.#prune())
      .catch(thrown => {
        if (this.#stop.signal.aborted) return
        this.#components.log.warn({ reason: messageOf(thrown) }, 'old documents were not removed')
      })
  }

  async #pruneIfDue(intervalMs: number): Promise<void> {
    const last = await this.#components.own.pruned().catch(() => 0)
    // A clock that was set back must not postpone it forever.
    if (last > Date.now() || Date.now() - last >= intervalMs) await this.prune()
  }

  async #prune(): Promise<void> {
    const { state, own, closures, proposals, log } = this.#components
    const { signal } = this.#stop
    const gone = await state.sweep(async read => {
      const topLevels = new Set<string>()
      for (const each of this.#topLevels) for (const topLevel of await each()) topLevels.add(topLevel)
      const others = new Set(await this.#recipesOfStore())
      for (const each of this.#roots) for (const hash of await each()) others.add(hash)
      signal.throwIfAborted()
      const proposed = proposals.all.flatMap(({ release }) => release ?? [])
      return await liveDocuments(state, read, { releases: keptReleases, topLevels, proposed, others })
    }, signal)
    await this.#pruneHistory()
    if (gone > 0) {
      await closures.reload()
      log.info({ documents: gone }, 'unreferenced documents were removed')
    }
    await own.setPruned(Date.now())
  }

  /** Recipes of valid store paths, which reading chunks needs. Entries of collected paths are removed. */
  async #recipesOfStore(): Promise<string[]> {
    const { recipes, index, store, log } = this.#components
    const ids = new Map<string, string>()
    for await (const [path, id] of recipes.entries()) ids.set(path, toHex(id))
    const paths = [...new Set([...ids.keys(), ...(await index.paths())])]
    let valid: Set<string>
    try {
      valid = await store.validPaths(paths)
    } catch (thrown) {
      log.debug({ reason: messageOf(thrown) }, 'the store could not be queried for its paths')
      return [...ids.values()]
    }
    for (const path of paths) {
      if (valid.has(path)) continue
      await index.remove(path)
      await recipes.forget(path)
      ids.delete(path)
    }
    return [...ids.values()]
  }

  /** Removes the history of devices that are no longer members. */
  async #pruneHistory(): Promise<void> {
    const { history, directory } = this.#components
    for await (const peer of history.keys()) {
      if (directory.member(peer) === undefined) await history.delete(peer)
    }
  }
}
