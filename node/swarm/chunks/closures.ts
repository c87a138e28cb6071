/** Closure descriptors and recipes of verified releases: what this peer may fetch and serves. */

import { type Closure, closureCodec } from '../../../protocol/closure/closure.ts'
import { decodeRecipe, type Recipe } from '../../../protocol/closure/recipe.ts'
import { type CID, cidOf, hashOfCid } from '../../../protocol/encoding/cid.ts'
import { fromHex, toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import type { Release, ReleasedConfig } from '../../../protocol/release/release.ts'
import type { Documents } from '../../mesh/exchange/documents.ts'
import type { Logger } from '../../process/log.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { keptReleases } from '../../state/limits.ts'
import { closuresOf } from '../../state/releases.ts'
import { DescribedPaths } from '../../store/cache/described-paths.ts'
import { maxDescribed, parallelRecipes } from '../limits.ts'
import { ChunkList } from './chunk-list.ts'

export class ClosureError extends ThymeshError<'wrong-closure' | 'missing-document'> {}

/** A closure with its descriptor and recipes. */
export interface KnownClosure {
  readonly hash: Uint8Array
  readonly closure: Closure
  readonly list: ChunkList
}

export class Closures {
  readonly #state: FleetState
  readonly #documents: Pick<Documents, 'fetch'>
  readonly #log: Logger
  /** SHA-256 of the descriptors that verified releases name, in hex. */
  #released = new Set<string>()
  /** The paths of released closures whose descriptors are stored here. */
  readonly described = new DescribedPaths()
  readonly #closureOf = new Map<string, Uint8Array>()

  constructor(components: { state: FleetState; documents: Pick<Documents, 'fetch'>; log: Logger }) {
    this.#state = components.state
    this.#documents = components.documents
    this.#log = components.log
  }

  /** Serves recently released closures again, and new ones as they are released. */
  async load(): Promise<void> {
    await this.reload()
    this.#state.on('changed', accepted => {
      for (const key of closuresOf(accepted)) {
        this.#know(fromHex(key)).catch(thrown => this.#log.warn({ reason: messageOf(thrown) }, 'a closure was skipped'))
      }
    })
  }

  /** The newest releases, oldest first: as many of each site as of the fleet. */
  async #newest(): Promise<Release[]> {
    const found: Release[] = []
    for (const version of (await this.#state.releaseVersions()).slice(-keptReleases)) {
      const release = await this.#state.release(version).catch((thrown: unknown) => {
        this.#log.warn({ version, reason: messageOf(thrown) }, 'a stored release was skipped')
        return undefined
      })
      if (release !== undefined) found.push(release)
    }
    const all = await this.#state.siteReleases().catch((thrown: unknown) => {
      this.#log.warn({ reason: messageOf(thrown) }, "stored releases of sites' operators were skipped")
      return []
    })
    const newer = (one: Release) => all.filter(({ site, version }) => site === one.site && version > one.version)
    return [...found, ...all.filter(one => newer(one).length < keptReleases)]
  }

  /** Rereads the recent releases: older ones are no longer served, since their documents may be gone. */
  async reload(): Promise<void> {
    /** Descriptors by hash, undefined if missing. If two contain the same path, the later one wins. */
    const known = new Map<string, Closure | undefined>()
    for (const { configs } of await this.#newest()) {
      for (const { closure } of Object.values(configs)) {
        const key = toHex(hashOfCid(closure))
        const before = known.get(key)
        const bytes = before ? undefined : await this.#state.document(hashOfCid(closure))
        known.delete(key)
        known.set(key, before ?? (bytes && closureCodec.decode(bytes)))
      }
    }
    // Replaced in one step: neighbours and the binary cache keep asking meanwhile.
    this.#released = new Set(known.keys())
    this.#closureOf.clear()
    this.described.clear()
    for (const [key, closure] of known) if (closure !== undefined) this.#describe(fromHex(key), closure)
    // Releases accepted meanwhile.
    for (const key of closuresOf(this.#state.accepted)) if (!known.has(key)) await this.#know(fromHex(key))
  }

  /** The hash of the descriptor of a released closure that contains a store path. */
  withPath(path: string): Uint8Array | undefined {
    return this.#closureOf.get(path)
  }

  /** A verified release names this descriptor: it may be served, and its paths may be looked up once it is here. */
  async #know(hash: Uint8Array): Promise<void> {
    this.#released.add(toHex(hash))
    const bytes = await this.#state.document(hash)
    if (bytes !== undefined) this.#describe(hash, closureCodec.decode(bytes))
  }

  #describe(hash: Uint8Array, closure: Closure): void {
    this.described.add(closure)
    for (const { path } of closure.paths) this.#closureOf.set(path, hash)
  }

  /** Whether a verified release names this descriptor. */
  isReleased(hash: Uint8Array): boolean {
    return this.#released.has(toHex(hash))
  }

  /** The closure of a released config; fetches missing documents from members. Throws a ClosureError. */
  async get(config: ReleasedConfig, signal?: AbortSignal): Promise<KnownClosure> {
    const hash = hashOfCid(config.closure)
    // Delta bases: the previous system's descriptor is similar, since a rebuild shares recipes, names and references.
    const before = [...new Set(this.#closureOf.values())].reverse().slice(0, limits.bases)
    const closure = closureCodec.decode(await this.#document(hash, signal, before))
    const top = closure.paths.at(-1)?.path
    if (top !== config.topLevel) {
      throw new ClosureError('wrong-closure', `expected the closure of ${config.topLevel}, got that of ${top}`)
    }
    this.#describe(hash, closure)
    return await this.#withRecipes(hash, closure, signal)
  }

  /** A closure by the hash of its descriptor, which a verified release names; fetches missing documents from members. */
  async fetched(hash: Uint8Array, signal?: AbortSignal): Promise<KnownClosure> {
    const closure = closureCodec.decode(await this.#document(hash, signal))
    return await this.#withRecipes(hash, closure, signal)
  }

  /**
   * Fetches the descriptors of the newest releases that are missing here, up to a bound, so that their paths can be looked up.
   * Throws what the fetch of a document throws.
   */
  async describeReleased(signal?: AbortSignal): Promise<void> {
    const described = new Set([...this.#closureOf.values()].map(toHex))
    const missing = [...closuresOf(this.#state.accepted)].filter(key => !described.has(key))
    for (const key of missing.slice(0, Math.max(0, maxDescribed - described.size))) {
      const hash = fromHex(key)
      this.#describe(hash, closureCodec.decode(await this.#document(hash, signal)))
    }
  }

  async #withRecipes(hash: Uint8Array, closure: Closure, signal: AbortSignal | undefined): Promise<KnownClosure> {
    const wanted = [...new Map(closure.paths.map(({ recipe }) => [toHex(recipe), recipe])).values()]
    const recipes = new Map<string, Recipe>()
    const fetchNext = async () => {
      try {
        for (let id = wanted.pop(); id !== undefined; id = wanted.pop()) {
          recipes.set(toHex(id), decodeRecipe(await this.#document(id, signal)))
        }
      } catch (thrown) {
        // After a failure the remaining fetches stop, too.
        wanted.length = 0
        throw thrown
      }
    }
    await Promise.all(Array.from({ length: parallelRecipes }, fetchNext))
    return { hash, closure, list: new ChunkList(closure, recipes) }
  }

  /** A closure whose documents are all here; undefined if one is missing. */
  async held(hash: Uint8Array): Promise<KnownClosure | undefined> {
    const bytes = await this.#state.document(hash)
    if (bytes === undefined) return undefined
    const closure = closureCodec.decode(bytes)
    const found = new Map<string, Uint8Array>()
    for (const { recipe } of closure.paths) {
      const known = found.get(toHex(recipe)) ?? (await this.#state.document(recipe))
      if (known === undefined) return undefined
      found.set(toHex(recipe), known)
    }
    // Decoded only once all are here: until then, every neighbour asks every few seconds.
    const recipes = new Map([...found].map(([key, known]) => [key, decodeRecipe(known)]))
    return { hash, closure, list: new ChunkList(closure, recipes) }
  }

  /** Adds a closure that this peer described itself; its recipes must be stored already. */
  async add(closure: Closure): Promise<CID> {
    const bytes = closureCodec.encode(closure)
    await this.#state.keepDocument(bytes)
    return cidOf(bytes)
  }

  async #document(
    hash: Uint8Array,
    signal: AbortSignal | undefined,
    bases: readonly Uint8Array[] = [],
  ): Promise<Uint8Array> {
    const known = await this.#state.document(hash)
    if (known !== undefined) return known
    const bytes = await this.#documents.fetch(hash, undefined, signal, undefined, bases)
    await this.#state.keepDocument(bytes)
    return bytes
  }
}
