/** A pool of daemon connections that are kept open for subsequent requests. */
import { AbortRace } from '../../concurrency/abort-race.ts'
import { Semaphore } from '../../concurrency/semaphore.ts'
import { connectionIdleMs } from '../limits.ts'
import { StoreError, storeError } from '../store-error.ts'
import type { WorkerClient } from './worker-client.ts'

/** How a pool opens connections, and how many. */
export interface WorkerPoolOptions {
  readonly open: () => Promise<WorkerClient>
  /** Concurrent connections; further requests wait. */
  readonly maxConnections?: number
  readonly idleMs?: number
}

/** Lends connections, each for one request at a time. */
export class WorkerPool {
  readonly #open: () => Promise<WorkerClient>
  readonly #idleMs: number
  readonly #idle = new Map<WorkerClient, NodeJS.Timeout>()
  readonly #clients = new Set<WorkerClient>()
  readonly #stale = new WeakSet<WorkerClient>()
  readonly #ending = new Set<Promise<void>>()
  readonly #turns: Semaphore
  readonly #stop = new AbortController()
  readonly #race = new AbortRace(this.#stop.signal)

  constructor({ open, maxConnections = Number.POSITIVE_INFINITY, idleMs = connectionIdleMs }: WorkerPoolOptions) {
    this.#open = open
    this.#turns = new Semaphore(maxConnections)
    this.#idleMs = idleMs
  }

  /** The number of open connections. */
  get size(): number {
    return this.#clients.size
  }

  /**
   * Runs `query` with a connection. If an idle connection turns out to be dead, `query` runs once more with a new
   * one, so it must be repeatable.
   */
  async query<T>(query: (client: WorkerClient) => Promise<T>): Promise<T> {
    return this.#withTurn(async () => {
      const kept = this.#takeIdle()
      if (kept !== undefined) {
        try {
          return await this.#lend(kept, query)
        } catch (thrown) {
          if (!(thrown instanceof StoreError) || thrown.code !== 'store-unavailable' || this.#stopped) throw thrown
        }
      }
      return this.#lend(await this.#connect(), query)
    })
  }

  /** Runs `prepare`, which may run twice as a query does, and then `work` once on the same connection. */
  async work<P, T>(
    prepare: (client: WorkerClient) => Promise<P>,
    work: (client: WorkerClient, prepared: P) => Promise<T>,
  ): Promise<T> {
    return this.#withTurn(async () => {
      const kept = this.#takeIdle()
      const ready = kept === undefined ? undefined : await this.#revive(kept, prepare)
      const client = ready?.client ?? (await this.#connect())
      return this.#lend(client, async () => work(client, ready === undefined ? await prepare(client) : ready.prepared))
    })
  }

  /**
   * Closes idle connections, so that the next request gets a new one; lent ones close on return. Resolves when the idle ones
   * are closed.
   */
  async renew(): Promise<void> {
    for (const client of this.#idle.keys()) this.#discard(client)
    for (const client of this.#clients) this.#stale.add(client)
    await Promise.all(this.#ending)
  }

  /** Closes all connections, including those in use, and waits until they are closed. */
  async stop(): Promise<void> {
    const reason = storeError('store-unavailable', 'The Nix store has been stopped')
    this.#stop.abort(reason)
    for (const client of this.#clients) this.#discard(client, reason)
    await Promise.all(this.#ending)
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted
  }

  async #revive<P>(client: WorkerClient, prepare: (client: WorkerClient) => Promise<P>) {
    try {
      return { client, prepared: await prepare(client) }
    } catch (thrown) {
      if (client.usable) this.#return(client)
      else this.#discard(client)
      if (!(thrown instanceof StoreError) || thrown.code !== 'store-unavailable' || this.#stopped) throw thrown
      return undefined
    }
  }

  async #withTurn<T>(run: () => Promise<T>): Promise<T> {
    const endTurn = await this.#turns.acquire(this.#race)
    try {
      return await run()
    } finally {
      endTurn()
    }
  }

  async #lend<T>(client: WorkerClient, run: (client: WorkerClient) => Promise<T>): Promise<T> {
    try {
      return await run(client)
    } finally {
      if (client.usable) this.#return(client)
      else this.#discard(client)
    }
  }

  async #connect(): Promise<WorkerClient> {
    const client = await this.#open()
    this.#clients.add(client)
    if (this.#stopped) {
      this.#discard(client)
      throw this.#stop.signal.reason
    }
    return client
  }

  #takeIdle(): WorkerClient | undefined {
    for (const [client, timer] of [...this.#idle].reverse()) {
      clearTimeout(timer)
      this.#idle.delete(client)
      if (client.usable) return client
      this.#discard(client)
    }
    return undefined
  }

  #return(client: WorkerClient): void {
    if (this.#stopped || this.#stale.has(client)) {
      this.#discard(client)
      return
    }
    const timer = setTimeout(() => this.#discard(client), this.#idleMs)
    timer.unref()
    this.#idle.set(client, timer)
  }

  #discard(client: WorkerClient, reason?: Error): void {
    clearTimeout(this.#idle.get(client))
    this.#idle.delete(client)
    this.#clients.delete(client)
    const ending = client.destroy(reason).finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }
}
