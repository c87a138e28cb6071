/** The binary cache's content: signed paths of the store, and the paths of verified releases. */
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { parseStorePath } from '../../../protocol/nix/store-path.ts'
import type { NixStore } from '../local/nix-store.ts'
import type { StoreLog } from '../local/store-daemon.ts'
import type { NarReader } from '../nar/nar-reader.ts'
import { soundStream } from '../nar/sound-stream.ts'
import type { PathInfo } from '../path-info.ts'
import { StoreError, storeError } from '../store-error.ts'
import type { DescribedPaths } from './described-paths.ts'
import type { HashParts } from './hash-parts.ts'
import { resumed } from './resume.ts'
import { StreamRoots } from './stream-roots.ts'

/** The source of the binary cache's answers. */
export interface CacheSource {
  /**
   * Looks a path up by its hash part. It must not ask peers who has it: a narinfo says what a path is, not who can be
   * reached, and Nix caches the answer. Throws if it can't tell, which is different from undefined.
   */
  lookUp(hashPart: string): Promise<PathInfo | undefined>
  /** The NAR's bytes from an offset on, `narSize - start` of them; retries by itself. `return()` releases it. */
  nar(info: PathInfo, start: number, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/**
 * Streams NARs from the mesh. They must not be imported first: Nix holds the path's lock while it reads the NAR from
 * us, so importing that path into the same store would deadlock.
 */
export interface MeshNars {
  /** Bytes from `start` on, of `info.narSize`; Nix verifies their hash. Throws if no member can send them. */
  open(info: PathInfo, start: number, signal: AbortSignal): AsyncIterable<Uint8Array>
}

export interface StoreCacheSourceComponents {
  readonly store: Pick<NixStore, 'pathInfo' | 'nar' | 'holdTempRoots'>
  readonly hashParts: Pick<HashParts, 'find'>
  readonly described: Pick<DescribedPaths, 'get'>
  /** Adds to `described` what the newest releases name and is not here yet, if it comes soon. */
  readonly descriptors: { complete(): Promise<void> }
  readonly mesh: MeshNars
  /** Paths of the store that are damaged: they are served from the mesh, or not at all. */
  readonly damaged: { has(path: string): boolean; found(path: string): Promise<void> }
  readonly log?: StoreLog
}

/** Looks in the store first, then in the mesh. */
export class StoreCacheSource implements CacheSource {
  readonly #components: StoreCacheSourceComponents
  readonly #roots: StreamRoots

  constructor(components: StoreCacheSourceComponents) {
    this.#components = components
    this.#roots = new StreamRoots(() => components.store.holdTempRoots())
  }

  /** Releases the temporary roots. */
  stop(): Promise<void> {
    return this.#roots.stop()
  }

  async lookUp(hashPart: string): Promise<PathInfo | undefined> {
    const known = this.#components.described.get(hashPart)
    const local = await this.#local(known === undefined ? await this.#find(hashPart) : [known.path])
    const described = known ?? (local === undefined ? await this.#completed(hashPart) : undefined)
    if (described === undefined || local === undefined) return servable(local ?? described)
    // Built locally with different bytes: the release's are signed, and others have them.
    if (!equalBytes(local.narHash, described.narHash)) return servable(described)
    return servable({ ...local, signatures: [...new Set([...local.signatures, ...described.signatures])] })
  }

  nar(info: PathInfo, start: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { log, damaged } = this.#components
    const store = { failed: false, isDamaged: damaged.has(info.path) }
    const open = (at: number) => this.#open(info, at, signal, store)
    return resumed(open, {
      start,
      size: info.narSize,
      signal,
      // Sound bytes after damaged ones make no NAR: the client must see an end, and ask for the whole again.
      isFinal: (thrown, at) =>
        (thrown instanceof StoreError && thrown.code === 'path-unknown') ||
        (store.isDamaged && store.failed && at > start),
      onRetry: (thrown, at) =>
        log?.debug({ path: info.path, at, reason: String(thrown) }, 'the read of a NAR continues from another source'),
    })
  }

  async *#open(
    info: PathInfo,
    start: number,
    signal: AbortSignal,
    store: { failed: boolean; isDamaged: boolean },
  ): AsyncGenerator<Uint8Array, void> {
    const canFetch = this.#isDescribed(info)
    if (!store.isDamaged && !(store.failed && canFetch)) {
      const release = await this.#roots.hold(info.path)
      try {
        const reader = await this.#reader(info)
        if (reader !== undefined) return yield* soundStream(reader, info, start)
      } catch (thrown) {
        store.failed = true
        store.isDamaged = thrown instanceof StoreError && thrown.code === 'nar-mismatch'
        if (store.isDamaged) await this.#components.damaged.found(info.path)
        // Collected or changed although it was held: the mesh may have it still.
        throw canFetch ? storeError('nar-mismatch', `The store could not read ${info.path}`, thrown) : thrown
      } finally {
        release()
      }
    }
    if (!canFetch) throw storeError('path-unknown', `Expected a path of the store or of a release, got ${info.path}`)
    yield* this.#components.mesh.open(info, start, signal)
  }

  async #completed(hashPart: string): Promise<PathInfo | undefined> {
    await this.#components.descriptors.complete()
    return this.#components.described.get(hashPart)
  }

  async #reader(info: PathInfo): Promise<NarReader | undefined> {
    const { store } = this.#components
    const local = await store.pathInfo(info.path)
    return local !== undefined && equalBytes(local.narHash, info.narHash) ? store.nar(info.path) : undefined
  }

  #isDescribed(info: PathInfo): boolean {
    const described = this.#components.described.get(parseStorePath(info.path).hashPart)
    return described !== undefined && equalBytes(described.narHash, info.narHash)
  }

  #find(hashPart: string): Promise<string[]> {
    return this.#components.hashParts.find(hashPart)
  }

  async #local(paths: readonly string[]): Promise<PathInfo | undefined> {
    for (const path of paths) {
      const info = await this.#components.store.pathInfo(path)
      if (info !== undefined) return info
    }
    return undefined
  }
}

/** Nix accepts only signed or content-addressed paths; for others it should query the next cache. */
function servable(info: PathInfo | undefined): PathInfo | undefined {
  return info !== undefined && (info.signatures.length > 0 || info.contentAddress !== undefined) ? info : undefined
}
