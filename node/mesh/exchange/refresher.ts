/** Refreshes the trusted metadata from peers that have newer, one refresh at a time, members before strangers. */

import type { PeerId } from '@libp2p/interface'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import type { Head } from '../../../protocol/messages/messages.ts'
import { FleetError } from '../../../protocol/trust/fleet.ts'
import { MetadataError } from '../../../protocol/trust/metadata.ts'
import { refresh } from '../../../protocol/trust/refresh.ts'
import { TrustError, updateTimestamp } from '../../../protocol/trust/trusted-set.ts'
import type { Logger } from '../../process/log.ts'
import type { Clock } from '../../state/clock.ts'
import { type FleetState, FleetStateError } from '../../state/fleet-state.ts'
import { refreshRetries, refreshRetryMs, refreshTimeoutMs, waitingRefreshes } from '../limits.ts'
import { DocumentError, type Documents } from './documents.ts'
import type { Equivocation } from './equivocation.ts'
import { fetchFirstRoot, metadataFrom } from './metadata-source.ts'

export interface RefresherComponents {
  state: FleetState
  documents: Pick<Documents, 'ask' | 'fetch'>
  clock: Clock
  equivocation?: Pick<Equivocation, 'examine'>
  log: Logger
  isMember: (peer: PeerId) => boolean
  isConnected: (peer: PeerId) => boolean
}

interface Job {
  readonly peer: PeerId
  /** The head that the peer sent, if no newer one of it was received since. */
  readonly head: Head | undefined
  readonly done: PromiseWithResolvers<boolean>
}

/** How a head compares with ours: a `newer-root` can't be verified before the roots up to it are fetched. */
export type HeadComparison = 'newer' | 'newer-root' | 'known'

export class Refresher {
  readonly #components: RefresherComponents
  readonly #stop = new AbortController()
  readonly #waiting = new Map<string, Job>()
  readonly #retries = new Map<string, { count: number; timer: NodeJS.Timeout }>()
  #running: { peer: PeerId; abort: AbortController } | undefined
  #work: Promise<void> = Promise.resolve()

  constructor(components: RefresherComponents) {
    this.#components = components
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    this.#running?.abort.abort(this.#stop.signal.reason)
    for (const { timer } of this.#retries.values()) clearTimeout(timer)
    this.#retries.clear()
    for (const { done } of this.#waiting.values()) done.resolve(false)
    this.#waiting.clear()
    await this.#work
  }

  /**
   * Refreshes from a peer, in turn; its unverified `head` saves a request. Resolves to whether anything changed;
   * never rejects.
   */
  refreshFrom(peer: PeerId, head?: Head): Promise<boolean> {
    const { isMember } = this.#components
    const key = peer.toString()
    const full = this.#waiting.size >= waitingRefreshes && !isMember(peer)
    if (this.#stop.signal.aborted || full) return Promise.resolve(false)
    const waiting = this.#waiting.get(key)
    // With two different heads waiting, the peer is asked for its current one.
    const job = waiting ? { ...waiting, head: undefined } : { peer, head, done: Promise.withResolvers<boolean>() }
    this.#waiting.set(key, job)
    if (this.#running === undefined) this.#work = this.#run()
    // Any peer can claim to have newer metadata: a slow stranger must not delay a member's.
    else if (isMember(peer) && !isMember(this.#running.peer)) {
      this.#running.abort.abort(new Error('a member has newer metadata'))
    }
    return job.done.promise
  }

  /** Compares a head with ours. Throws a TrustError or MetadataError if it lacks our root's signatures or is older. */
  compareHead(head: Head): HeadComparison {
    const { state, clock } = this.#components
    const { trusted } = state
    if (trusted === undefined || head.root > trusted.root.signed.version) return 'newer-root'
    return updateTimestamp(trusted, head.timestamp, clock.reference).timestamp === trusted.timestamp ? 'known' : 'newer'
  }

  async #run(): Promise<void> {
    for (let job = this.#next(); job !== undefined; job = this.#next()) {
      const abort = new AbortController()
      this.#running = { peer: job.peer, abort }
      job.done.resolve(await this.#refresh(job, AbortSignal.any([abort.signal, this.#stop.signal])))
      this.#running = undefined
    }
  }

  #next(): Job | undefined {
    const jobs = [...this.#waiting.values()]
    const next = jobs.find(({ peer }) => this.#components.isMember(peer)) ?? jobs[0]
    if (next !== undefined) this.#waiting.delete(next.peer.toString())
    return next
  }

  async #refresh({ peer, head }: Job, stopped: AbortSignal): Promise<boolean> {
    const { state, documents, clock, log } = this.#components
    const key = peer.toString()
    const time = clock.reference
    try {
      const signal = AbortSignal.any([stopped, AbortSignal.timeout(refreshTimeoutMs)])
      const before = state.trusted ?? (await fetchFirstRoot(documents, state, peer, signal))
      const source = metadataFrom(documents, peer, signal, head)
      const after = await refresh(before, source, time, async (role, set) => {
        if (role === 'root') await state.keepRoot(set)
      })
      signal.throwIfAborted()
      this.#retries.delete(key)
      if (state.accepted !== undefined && after.timestamp === before.timestamp && after.root === before.root)
        return false
      const accepted = await state.accept(after, ({ hash, length }) => documents.fetch(hash, peer, signal, length))
      log.info({ release: accepted.release.version, peer: key }, 'a new release is trusted')
      return true
    } catch (thrown) {
      if (this.#stop.signal.aborted) return false
      // A new root may have reset the time floor that this was checked against.
      const misjudged = thrown instanceof TrustError && thrown.code === 'expired' && clock.reference < time
      const final = isRefusal(thrown) && !misjudged
      // It isn't a fault that a peer has older metadata.
      const level = final && !isOlder(thrown) ? 'warn' : 'debug'
      log[level]({ peer: key, reason: messageOf(thrown) }, 'the metadata was not refreshed')
      if (thrown instanceof TrustError && thrown.code === 'wrong-hash') await this.#examine(peer, stopped)
      if (final) this.#retries.delete(key)
      else this.#retry(peer)
      return false
    }
  }

  /** The peer's metadata contradicts ours, or itself. */
  async #examine(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { documents, equivocation } = this.#components
    const timestamp = await documents.ask(peer, { head: true }, limits.timestamp, signal).catch(() => undefined)
    if (timestamp !== undefined) await equivocation?.examine(timestamp, peer)
  }

  /** A temporary failure is retried as long as the peer is connected. */
  #retry(peer: PeerId): void {
    const key = peer.toString()
    const known = this.#retries.get(key)
    clearTimeout(known?.timer)
    const count = (known?.count ?? 0) + 1
    this.#retries.delete(key)
    if (count > refreshRetries || !this.#components.isConnected(peer)) return
    const timer = setTimeout(
      () => {
        if (this.#components.isConnected(peer)) void this.refreshFrom(peer)
        else this.#retries.delete(key)
      },
      refreshRetryMs * 2 ** (count - 1),
    )
    this.#retries.set(key, { count, timer })
  }
}

/** Whether the peer's metadata was rejected: a retry would give the same result. */
function isRefusal(thrown: unknown): boolean {
  return (
    thrown instanceof TrustError ||
    thrown instanceof MetadataError ||
    thrown instanceof FormatError ||
    thrown instanceof FleetStateError ||
    thrown instanceof FleetError ||
    (thrown instanceof DocumentError && thrown.code === 'wrong-hash')
  )
}

function isOlder(thrown: unknown): boolean {
  return (
    (thrown instanceof TrustError && thrown.code === 'rollback') ||
    (thrown instanceof FleetStateError && thrown.code === 'superseded')
  )
}
