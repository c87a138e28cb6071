/** Keeps the trusted metadata at the newest that any member has, one refresh at a time. */

import type { PeerId } from '@libp2p/interface'
import { messageOf } from '../../protocol/errors.ts'
import { fromHex } from '../../protocol/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { fleetIdOf } from '../../protocol/trust/fleet.ts'
import { type MetadataFetcher, refresh } from '../../protocol/trust/refresh.ts'
import { TrustError, type TrustedSet, trustRoot } from '../../protocol/trust/trusted-set.ts'
import { refreshTimeoutMs } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { Clock } from '../state/clock.ts'
import type { FleetState } from '../state/fleet-state.ts'
import { DocumentError, type Documents } from './documents.ts'

export interface RefresherComponents {
  state: FleetState
  documents: Documents
  clock: Clock
  log: Logger
}

export class Refresher {
  readonly #components: RefresherComponents
  readonly #abort = new AbortController()
  #queue: Promise<unknown> = Promise.resolve()

  constructor(components: RefresherComponents) {
    this.#components = components
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('the peer stops'))
    await this.#queue.catch(() => {})
  }

  /** Takes what a peer knows, after the refreshes that wait already. Resolves to whether anything changed; never rejects. */
  from(peer: PeerId): Promise<boolean> {
    const next = this.#queue.then(() => this.#refresh(peer))
    this.#queue = next
    return next
  }

  async #refresh(peer: PeerId): Promise<boolean> {
    const { state, documents, clock, log } = this.#components
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(refreshTimeoutMs)])
    try {
      if (signal.aborted) return false
      const before = state.trusted ?? (await this.#firstRoot(peer, signal))
      const after = await refresh(before, this.#fetcher(peer, signal), clock.reference, set => state.keepRoot(set))
      if (state.belief !== undefined && after.timestamp === before.timestamp && after.root === before.root) return false
      const belief = await state.believe(after, ({ hash }) => documents.fetch(hash, peer, signal))
      log.info({ release: belief.release.version, peer: peer.toString() }, 'a new release is trusted')
      return true
    } catch (thrown) {
      const level = thrown instanceof TrustError ? 'warn' : 'info'
      log[level]({ peer: peer.toString(), reason: messageOf(thrown) }, 'a refresh of the metadata changed nothing')
      return false
    }
  }

  /** A device that joins knows its fleet's ID, which is the hash of the first root: so anyone may bring it. */
  async #firstRoot(peer: PeerId, signal: AbortSignal): Promise<TrustedSet> {
    const { state, documents } = this.#components
    const bytes = await documents.ask(peer, { root: 1 }, limits.root, signal)
    if (bytes === undefined) throw new DocumentError('not-found', `${peer} has no root of this fleet`)
    if (fleetIdOf(bytes) !== state.fleet) {
      throw new DocumentError(
        'wrong-hash',
        `expected the first root of fleet ${state.fleet.slice(0, 12)}, got another one`,
      )
    }
    const trusted = trustRoot(bytes)
    await state.keepRoot(trusted)
    return trusted
  }

  #fetcher(peer: PeerId, signal: AbortSignal): MetadataFetcher {
    const { documents } = this.#components
    const byHash = (hash: string | undefined) => {
      if (hash === undefined) throw new DocumentError('not-found', 'expected metadata to be named by its SHA-256')
      return documents.fetch(fromHex(hash), peer, signal)
    }
    return {
      root: version => documents.ask(peer, { root: version }, limits.root, signal),
      timestamp: async () => {
        const bytes = await documents.ask(peer, { head: true }, limits.timestamp, signal)
        if (bytes === undefined) throw new DocumentError('not-found', `${peer} has no timestamp`)
        return bytes
      },
      snapshot: meta => byHash(meta.hashes?.sha256),
      targets: (_role, meta) => byHash(meta.hashes?.sha256),
    }
  }
}
