/** Closure descriptors of releases that were verified: what this peer may fetch, and what it serves. */

import { type CID, cidOf, hashOfCid } from '../../protocol/cid.ts'
import { type Closure, closureCodec } from '../../protocol/closure.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { equalBytes } from '../../protocol/hash.ts'
import type { NarRequest } from '../../protocol/messages.ts'
import type { ReleasedConfig } from '../../protocol/release.ts'
import { servedReleases } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { Documents } from '../mesh/documents.ts'
import type { FleetState } from '../state/fleet-state.ts'

export class ClosureError extends ThymeshError<'wrong-closure'> {}

export class Closures {
  readonly #state: FleetState
  readonly #documents: Pick<Documents, 'fetch'>
  readonly #log: Logger
  /** NAR hashes of the paths that are served, by store path. */
  readonly #served = new Map<string, Uint8Array>()

  constructor(components: { state: FleetState; documents: Pick<Documents, 'fetch'>; log: Logger }) {
    this.#state = components.state
    this.#documents = components.documents
    this.#log = components.log
  }

  /** Serves again what was held before: the closures of the latest releases whose descriptors are here. */
  async load(): Promise<void> {
    for (const version of (await this.#state.releaseVersions()).slice(-servedReleases)) {
      const release = await this.#state.release(version)
      for (const { closure } of Object.values(release?.configs ?? {})) {
        try {
          const bytes = await this.#state.document(hashOfCid(closure))
          if (bytes !== undefined) this.#serve(closureCodec.decode(bytes))
        } catch (thrown) {
          this.#log.warn({ version, reason: messageOf(thrown) }, 'a kept closure was left out')
        }
      }
    }
  }

  /** The closure of a released config, from our documents or from members; checked to be what the release says. */
  async get(config: ReleasedConfig, signal?: AbortSignal): Promise<Closure> {
    const hash = hashOfCid(config.closure)
    const known = await this.#state.document(hash)
    const bytes = known ?? (await this.#documents.fetch(hash, undefined, signal))
    const closure = closureCodec.decode(bytes)
    const top = closure.paths.at(-1)?.path
    if (top !== config.topLevel) {
      throw new ClosureError('wrong-closure', `expected the closure of ${config.topLevel}, got that of ${top}`)
    }
    if (known === undefined) await this.#state.keepDocument(bytes)
    this.#serve(closure)
    return closure
  }

  /** Keeps a closure that this peer described itself. */
  async add(closure: Closure): Promise<{ cid: CID; bytes: Uint8Array }> {
    const bytes = closureCodec.encode(closure)
    await this.#state.keepDocument(bytes)
    this.#serve(closure)
    return { cid: cidOf(bytes), bytes }
  }

  /** Whether a path, with this NAR hash, belongs to a release that we have verified. */
  isServed(request: NarRequest): boolean {
    const hash = this.#served.get(request.path)
    return hash !== undefined && equalBytes(hash, request.narHash)
  }

  #serve(closure: Closure): void {
    for (const { path, narHash } of closure.paths) this.#served.set(path, narHash)
  }
}
