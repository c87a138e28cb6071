/** Closure descriptors and recipes of releases that were verified: what this peer may fetch, and what it serves. */

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
import { parallelRecipes } from '../limits.ts'
import { ChunkList } from './chunk-list.ts'

export class ClosureError extends ThymeshError<'wrong-closure' | 'missing-document'> {}

/** A closure with all that rebuilds it. */
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
  /** The paths of released closures whose descriptors are here. */
  readonly described = new DescribedPaths()
  readonly #closureOf = new Map<string, Uint8Array>()

  constructor(components: { state: FleetState; documents: Pick<Documents, 'fetch'>; log: Logger }) {
    this.#state = components.state
    this.#documents = components.documents
    this.#log = components.log
  }

  /** Serves again what was released lately, and from now on what is released. */
  async load(): Promise<void> {
    await this.reload()
    this.#state.on('changed', accepted => {
      for (const key of closuresOf(accepted)) {
        this.#know(fromHex(key)).catch(thrown =>
          this.#log.warn({ reason: messageOf(thrown) }, 'a closure was left out'),
        )
      }
    })
  }

  /** The newest releases, oldest first: of each site as many as of the fleet. */
  async #newest(): Promise<Release[]> {
    const found: Release[] = []
    for (const version of (await this.#state.releaseVersions()).slice(-keptReleases)) {
      const release = await this.#state.release(version).catch((thrown: unknown) => {
        this.#log.warn({ version, reason: messageOf(thrown) }, 'a kept release was left out')
        return undefined
      })
      if (release !== undefined) found.push(release)
    }
    const all = await this.#state.siteReleases().catch((thrown: unknown) => {
      this.#log.warn({ reason: messageOf(thrown) }, "kept releases of sites' operators were left out")
      return []
    })
    const newer = (one: Release) => all.filter(({ site, version }) => site === one.site && version > one.version)
    return [...found, ...all.filter(one => newer(one).length < keptReleases)]
  }

  /** Looks again at what was released lately: what is older is served no more, its documents may be gone. */
  async reload(): Promise<void> {
    /** Descriptors by their hash, nothing for those that are not here; of two that name one path the later one counts. */
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
    // All at once: neighbours and the binary cache go on asking meanwhile.
    this.#released = new Set(known.keys())
    this.#closureOf.clear()
    this.described.clear()
    for (const [key, closure] of known) if (closure !== undefined) this.#describe(fromHex(key), closure)
    // What was believed meanwhile.
    for (const key of closuresOf(this.#state.accepted)) if (!known.has(key)) await this.#know(fromHex(key))
  }

  /** The descriptor of the released closure that holds a store path, by its hash. */
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

  /** Whether a release that we have verified names this descriptor. */
  isReleased(hash: Uint8Array): boolean {
    return this.#released.has(toHex(hash))
  }

  /** The closure of a released config, what is missing of its documents from members. Throws a ClosureError. */
  async get(config: ReleasedConfig, signal?: AbortSignal): Promise<KnownClosure> {
    const hash = hashOfCid(config.closure)
    // What describes the system before is much like it: of a rebuild, recipes, names and references are the same.
    const before = [...new Set(this.#closureOf.values())].reverse().slice(0, limits.bases)
    const closure = closureCodec.decode(await this.#document(hash, signal, before))
    const top = closure.paths.at(-1)?.path
    if (top !== config.topLevel) {
      throw new ClosureError('wrong-closure', `expected the closure of ${config.topLevel}, got that of ${top}`)
    }
    this.#describe(hash, closure)
    const wanted = [...new Map(closure.paths.map(({ recipe }) => [toHex(recipe), recipe])).values()]
    const recipes = new Map<string, Recipe>()
    const fetchNext = async () => {
      try {
        for (let id = wanted.pop(); id !== undefined; id = wanted.pop()) {
          recipes.set(toHex(id), decodeRecipe(await this.#document(id, signal)))
        }
      } catch (thrown) {
        // The others need not go on either.
        wanted.length = 0
        throw thrown
      }
    }
    await Promise.all(Array.from({ length: parallelRecipes }, fetchNext))
    return { hash, closure, list: new ChunkList(closure, recipes) }
  }

  /** A closure whose documents are all here; nothing when one is missing. */
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
    // Read only when all are here: while they come, every neighbour asks every few seconds.
    const recipes = new Map([...found].map(([key, known]) => [key, decodeRecipe(known)]))
    return { hash, closure, list: new ChunkList(closure, recipes) }
  }

  /** Keeps a closure that this peer described itself, its recipes being kept already. */
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
