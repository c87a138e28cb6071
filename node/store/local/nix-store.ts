/** The Nix store of this machine: query, import, protect and read paths. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { isStorePath, storeDir } from '../../../protocol/nix/store-path.ts'
import { maxQueryConnections } from '../limits.ts'
import { FileHandles } from '../nar/file-handles.ts'
import { NarLayoutCache } from '../nar/nar-cache.ts'
import { layOutNar } from '../nar/nar-layout.ts'
import { NarReader } from '../nar/nar-reader.ts'
import type { PathInfo } from '../path-info.ts'
import { StoreError, storeError, storeErrorFromFile } from '../store-error.ts'
import { WorkerPool } from '../worker/worker-pool.ts'
import { closureOf } from './closure.ts'
import { collectGarbage, deleteGenerations, deletePaths, type Generation, generationsOf } from './generations.ts'
import { makeRoot, removeRoot, setProfile } from './roots.ts'
import { StoreDaemon, type StoreDaemonComponents, type StoreDaemonInit } from './store-daemon.ts'
import { TempRoots } from './temp-roots.ts'

/** The result of an import: whether the path was added or already present. */
export type ImportResult = 'imported' | 'present'

/** A Nix store behind its daemon. All paths are logical ones, `/nix/store/…`, wherever the files are. */
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
    // Unbounded, since an import may wait for its references on other connections. Separate from queries, because the
    // daemon holds what it imported as temporary roots of the connection.
    this.#imports = new WorkerPool({ open })
  }

  /** Finds the daemon and connects to it; StoreError `store-unavailable` if there is none. */
  async start(): Promise<void> {
    await this.#daemon.find()
    await this.#queries.query(async () => {})
  }

  /** Closes all connections and ends the daemons started for them. */
  async stop(): Promise<void> {
    const pools = [this.#queries.stop(), this.#imports.stop()]
    const held = [...this.#held].map(each => each.release())
    await Promise.all([...pools, ...held, this.#daemon.stop()])
    await this.#handles.closeUnused()
    this.#layouts.clear()
  }

  /** The real location of a path's files. */
  realPath(path: string): string {
    return this.#daemon.root + checked(path)
  }

  async isValid(path: string): Promise<boolean> {
    checked(path)
    return this.#queries.query(client => client.isValidPath(path))
  }

  /** The valid ones among the paths. */
  async validPaths(paths: readonly string[]): Promise<Set<string>> {
    if (paths.length === 0) return new Set()
    for (const path of paths) checked(path)
    return this.#queries.query(client => client.queryValidPaths(paths))
  }

  /** A path's info; undefined if it is not valid. */
  async pathInfo(path: string): Promise<PathInfo | undefined> {
    checked(path)
    return this.#queries.query(client => client.queryPathInfo(path))
  }

  /** The infos of the valid ones among the paths, by path. Nothing is hashed: the database has them. */
  async pathInfos(paths: readonly string[]): Promise<Map<string, PathInfo>> {
    if (paths.length === 0) return new Map()
    for (const path of paths) checked(path)
    return this.#queries.query(async client => {
      const found = new Map<string, PathInfo>()
      for (const path of paths) {
        const info = await client.queryPathInfo(path)
        if (info !== undefined) found.set(path, info)
      }
      return found
    })
  }

  /** The path and its closure, references before referrers; StoreError `path-unknown` if one is missing. */
  async closure(path: string): Promise<PathInfo[]> {
    checked(path)
    return this.#queries.query(client => closureOf(path, each => client.queryPathInfo(each)))
  }

  /**
   * Imports a path. Nix verifies that a trusted key signed it, that its references are valid and that the NAR has the
   * hash; until then the path is not valid. The source is read with back-pressure and may pause; it isn't read if the
   * path is valid already, and is always closed.
   *
   * Each import holds a connection until it ends; the caller limits concurrency.
   *
   * @throws StoreError; errors of the source and the signal's reason, unchanged.
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

  /** Protects paths, valid or not yet, from the garbage collector until they are released. */
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

  /** Random access to the NAR of a valid path; StoreError `path-unknown` if it is not valid. */
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

  /** Whether the files of a path make the NAR that Nix registered, or the path is not valid any more. Reads all of it. */
  async isSound(path: string): Promise<boolean> {
    const info = await this.pathInfo(path)
    if (info === undefined) return true
    try {
      const nar = new NarReader(await layOutNar(this.realPath(path)), this.#handles)
      const hash = createHash('sha256')
      for await (const piece of nar.stream()) hash.update(piece)
      return equalBytes(hash.digest(), info.narHash)
    } catch (thrown) {
      // It may have been collected meanwhile.
      if (thrown instanceof StoreError) return !(await this.isValid(path))
      throw thrown
    }
  }

  /**
   * Makes a path the newest generation of a profile, given by name or absolute path; resolves to the profile's real
   * path.
   */
  async setProfile(profile: string, path: string): Promise<string> {
    await this.#expectValid(path)
    return setProfile(this.#daemon.location, profile, path)
  }

  /** All generations of a profile, oldest first. */
  generations(profile: string): Promise<Generation[]> {
    return generationsOf(this.#daemon.location, profile)
  }

  /** Deletes generations of a profile; their paths stay until the next garbage collection. */
  deleteGenerations(profile: string, numbers: readonly number[]): Promise<void> {
    return deleteGenerations(this.#daemon.location, profile, numbers)
  }

  /** Deletes every path that no root, temporary root or process needs. */
  async collectGarbage(): Promise<void> {
    // A connection is a temporary root of what came by it, and idle ones are kept for the next import.
    await this.#imports.renew()
    await collectGarbage(this.#daemon.location)
  }

  /** Protects a valid path under a root's name, until the root is removed or points elsewhere. */
  async makeRoot(name: string, path: string): Promise<void> {
    await this.#expectValid(path)
    await makeRoot(this.#daemon.location, name, path)
    // A collection may have been running: from here on the root protects the path, or it was deleted before.
    await this.#expectValid(path)
  }

  removeRoot(name: string): Promise<void> {
    return removeRoot(this.#daemon.location, name)
  }

  /** The free bytes of the store's disk for an unprivileged writer. */
  async freeBytes(): Promise<number> {
    try {
      const { bavail, bsize } = await statfs(this.#daemon.root + storeDir)
      return bavail * bsize
    } catch (thrown) {
      throw storeErrorFromFile(thrown, this.#daemon.root + storeDir)
    }
  }

  /** The free inodes of the store's disk; undefined if the file system allocates inodes dynamically. */
  async freeInodes(): Promise<number | undefined> {
    try {
      const { files, ffree } = await statfs(this.#daemon.root + storeDir)
      return files === 0 ? undefined : ffree
    } catch (thrown) {
      throw storeErrorFromFile(thrown, this.#daemon.root + storeDir)
    }
  }

  /** Deletes what failed imports have left of these paths. They must not be held by any root. */
  async deletePartial(paths: readonly string[]): Promise<void> {
    const valid = await this.validPaths([...paths])
    const left = paths.filter(path => !valid.has(path) && existsSync(this.realPath(path)))
    await deletePaths(this.#daemon.location, left)
  }

  /** The location of profiles, roots and the database: a real path. */
  get stateDir(): string {
    return this.#daemon.location.stateDir
  }

  async #expectValid(path: string): Promise<void> {
    if (!(await this.isValid(path))) throw storeError('path-unknown', `Expected a valid path of the store, got ${path}`)
  }

  /** A daemon reads its trusted keys once for each connection, so new keys need new connections. */
  #renewForKeys(): void {
    const keys = this.#daemon.trustedPublicKeys().join(' ')
    if (keys !== this.#importKeys) void this.#imports.renew()
    this.#importKeys = keys
  }
}

function checked(path: string): string {
  if (isStorePath(path)) return path
  throw storeError('path-invalid', `Expected a store path, ${storeDir}/<hash>-<name>, got '${path.slice(0, 300)}'`)
}
