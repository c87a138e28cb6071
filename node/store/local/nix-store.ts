/** The Nix store of this machine, as the rest of the daemon sees it: query, import, keep and read paths. */
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { isStorePath, storeDir } from '../../../protocol/nix/store-path.ts'
import { maxQueryConnections } from '../limits.ts'
import { FileHandles } from '../nar/file-handles.ts'
import { NarLayoutCache } from '../nar/nar-cache.ts'
import { NarReader } from '../nar/nar-reader.ts'
import type { PathInfo } from '../path-info.ts'
import { storeError, storeErrorFromFile } from '../store-error.ts'
import { WorkerPool } from '../worker/worker-pool.ts'
import { closureOf } from './closure.ts'
import { collectGarbage, deleteGenerations, deletePaths, type Generation, generationsOf } from './generations.ts'
import { makeRoot, removeRoot, setProfile } from './roots.ts'
import { StoreDaemon, type StoreDaemonComponents, type StoreDaemonInit } from './store-daemon.ts'
import { TempRoots } from './temp-roots.ts'

/** What an import did: put the path there, or found it there. */
export type ImportResult = 'imported' | 'present'

/** A Nix store behind its daemon. All paths are logical ones, `/nix/store/…`, wherever the files lie. */
export class NixStore {
  readonly #daemon: StoreDaemon
  readonly #queries: WorkerPool
  readonly #imports: WorkerPool
  readonly #layouts = new NarLayoutCache()
  readonly #handles = new FileHandles()
  readonly #held = new Set<TempRoots>()
  #importKeys = ''

  constructor(components: StoreDaemonComponents = {}, init: StoreDaemonInit = {}) {
    this.#daemon = new StoreDaemon(components, init)
    const open = () => this.#daemon.connect()
    this.#queries = new WorkerPool({ open, maxConnections: maxQueryConnections })
    // Unbounded, as an import may wait for its references to come in over other connections. They are kept apart from
    // the queries' because the daemon holds what it imported as temp roots of the connection.
    this.#imports = new WorkerPool({ open })
  }

  /** Finds the daemon and says hello: StoreError `store-unavailable` if there is none. */
  async start(): Promise<void> {
    await this.#daemon.find()
    await this.#queries.query(async () => {})
  }

  /** Ends all connections and the daemons that were started for them. */
  async stop(): Promise<void> {
    const pools = [this.#queries.stop(), this.#imports.stop()]
    const held = [...this.#held].map(each => each.release())
    await Promise.all([...pools, ...held, this.#daemon.stop()])
    await this.#handles.closeUnused()
    this.#layouts.clear()
  }

  /** Where the files of a path lie. */
  realPath(path: string): string {
    return this.#daemon.root + checked(path)
  }

  async isValid(path: string): Promise<boolean> {
    checked(path)
    return this.#queries.query(client => client.isValidPath(path))
  }

  /** Those of the paths that are valid. */
  async validPaths(paths: readonly string[]): Promise<Set<string>> {
    if (paths.length === 0) return new Set()
    for (const path of paths) checked(path)
    return this.#queries.query(client => client.queryValidPaths(paths))
  }

  /** What the store knows of a path; nothing if it is not valid. */
  async pathInfo(path: string): Promise<PathInfo | undefined> {
    checked(path)
    return this.#queries.query(client => client.queryPathInfo(path))
  }

  /** The path and all that it references, references before referrers: StoreError `path-unknown` if not all there. */
  async closure(path: string): Promise<PathInfo[]> {
    checked(path)
    return this.#queries.query(client => closureOf(path, each => client.queryPathInfo(each)))
  }

  /**
   * Imports a path. Nix checks that a trusted key signed it, that its references are valid and that the NAR has the
   * hash; until then the path is not valid. The source is asked for no more than the daemon takes, is not read if the
   * path is there already, and is closed in any case; it may pause as long as it likes.
   *
   * Each import holds a connection of its own until it ends; the caller bounds how many run at once.
   *
   * @throws StoreError; what the source throws or the signal's reason, as they are.
   */
  async import(
    info: PathInfo,
    nar: AsyncIterable<Uint8Array>,
    options: { signal?: AbortSignal } = {},
  ): Promise<ImportResult> {
    const { signal } = options
    let started = false
    try {
      checked(info.path)
      for (const reference of info.references) checked(reference)
      signal?.throwIfAborted()
      this.#renewForKeys()
      return await this.#imports.work(
        client => client.isValidPath(info.path),
        async (client, present) => {
          if (present) return 'present'
          signal?.throwIfAborted()
          started = true
          await client.addToStoreNar(info, nar, signal)
          return 'imported'
        },
      )
    } finally {
      if (!started)
        nar[Symbol.asyncIterator]()
          .return?.()
          .catch(() => {})
    }
  }

  /** Keeps paths, valid or not yet, from the garbage collector until they are released. */
  async holdTempRoots(paths: Iterable<string> = []): Promise<TempRoots> {
    const held = new TempRoots(
      () => this.#daemon.connect(),
      () => this.#held.delete(held),
    )
    this.#held.add(held)
    try {
      await held.addAll(paths)
      return held
    } catch (thrown) {
      await held.release()
      throw thrown
    }
  }

  /** Random access to the NAR of a valid path: StoreError `path-unknown` if it is not. */
  async nar(path: string): Promise<NarReader> {
    const info = await this.pathInfo(path)
    if (info === undefined) throw storeError('path-unknown', `Expected a valid path of the store, got ${path}`)
    const key = `${path} ${Buffer.from(info.narHash).toString('hex')}`
    const layout = await this.#layouts.get(key, this.realPath(path))
    if (layout.size !== info.narSize) {
      this.#layouts.delete(key)
      throw storeError(
        'nar-mismatch',
        `Expected a NAR of ${info.narSize} bytes for ${path}, its files make ${layout.size}`,
      )
    }
    return new NarReader(layout, this.#handles)
  }

  /** Makes a path the newest generation of a profile, named or by its absolute path; gives the profile's real path. */
  async setProfile(profile: string, path: string): Promise<string> {
    await this.#expectValid(path)
    return setProfile(this.#daemon.location, profile, path)
  }

  /** All generations of a profile, the oldest first. */
  generations(profile: string): Promise<Generation[]> {
    return generationsOf(this.#daemon.location, profile)
  }

  /** Forgets generations of a profile; their paths stay until the next sweep. */
  deleteGenerations(profile: string, numbers: readonly number[]): Promise<void> {
    return deleteGenerations(this.#daemon.location, profile, numbers)
  }

  /** Deletes every path that no root, no temp root and no process needs. */
  collectGarbage(): Promise<void> {
    return collectGarbage(this.#daemon.location)
  }

  /** Keeps a valid path from the garbage collector under a name, until the name is removed or given to another. */
  async makeRoot(name: string, path: string): Promise<void> {
    await this.#expectValid(path)
    await makeRoot(this.#daemon.location, name, path)
    // A collection may have been under way; from here on the root holds, or the path was gone before.
    await this.#expectValid(path)
  }

  removeRoot(name: string): Promise<void> {
    return removeRoot(this.#daemon.location, name)
  }

  /** Bytes that are free for the store, as an unprivileged writer sees them. */
  async freeBytes(): Promise<number> {
    try {
      const { bavail, bsize } = await statfs(this.#daemon.root + storeDir)
      return bavail * bsize
    } catch (thrown) {
      throw storeErrorFromFile(thrown, this.#daemon.root + storeDir)
    }
  }

  /** Files that the store's disk can still take; nothing where the file system makes inodes as it needs them. */
  async freeInodes(): Promise<number | undefined> {
    try {
      const { files, ffree } = await statfs(this.#daemon.root + storeDir)
      return files === 0 ? undefined : ffree
    } catch (thrown) {
      throw storeErrorFromFile(thrown, this.#daemon.root + storeDir)
    }
  }

  /** Deletes what imports that failed have left of these paths. Nothing may hold them. */
  async deletePartial(paths: readonly string[]): Promise<void> {
    const valid = await this.validPaths([...paths])
    const left = paths.filter(path => !valid.has(path) && existsSync(this.realPath(path)))
    await deletePaths(this.#daemon.location, left)
  }

  /** Where profiles, roots and the database are: a real path. */
  get stateDir(): string {
    return this.#daemon.location.stateDir
  }

  async #expectValid(path: string): Promise<void> {
    if (!(await this.isValid(path))) throw storeError('path-unknown', `Expected a valid path of the store, got ${path}`)
  }

  /** A daemon reads its trusted keys once for each connection, so new keys need new connections. */
  #renewForKeys(): void {
    const keys = this.#daemon.trustedPublicKeys().join(' ')
    if (keys !== this.#importKeys) this.#imports.renew()
    this.#importKeys = keys
  }
}

function checked(path: string): string {
  if (isStorePath(path)) return path
  throw storeError('path-invalid', `Expected a store path, ${storeDir}/<hash>-<name>, got '${path.slice(0, 300)}'`)
}
