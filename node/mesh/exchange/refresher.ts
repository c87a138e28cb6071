/** Refreshes the trusted metadata from peers that have newer: a few at a time, so that none holds up the others. */

import type { PeerId } from '@libp2p/interface'
import { LRUCache } from 'lru-cache'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import type { Head } from '../../../protocol/messages/messages.ts'
import { FleetError } from '../../../protocol/trust/fleet.ts'
import { MetadataError } from '../../../protocol/trust/metadata.ts'
import { refresh } from '../../../protocol/trust/refresh.ts'
import { TrustError, updateTimestamp } from '../../../protocol/trust/trusted-set.ts'
import { AbortRace } from '../../concurrency/abort-race.ts'
import { FairPlaces, type Place, type Subject } from '../../concurrency/fair-places.ts'
import type { Logger } from '../../process/log.ts'
import type { Clock } from '../../state/clock.ts'
import { type DocumentFetcher, type FleetState, FleetStateError } from '../../state/fleet-state.ts'
import {
  idleRefreshMs,
  lateSourceMs,
  memberRefreshes,
  refreshRetries,
  refreshRetryMs,
  refreshTimeoutMs,
  refreshTurnMs,
  scoredPeers,
  strangerRefreshes,
  waitingRefreshes,
} from '../limits.ts'
import { DocumentError, type Documents } from './documents.ts'
import type { Equivocation } from './equivocation.ts'
import { fetchFirstRoot, metadataFrom } from './metadata-source.ts'
import { withNamed } from './named-source.ts'

export interface RefresherComponents {
  state: FleetState
  documents: Pick<Documents, 'ask' | 'fetch'>
  clock: Clock
  equivocation?: Pick<Equivocation, 'examine'>
  log: Logger
  isMember: (peer: PeerId) => boolean
  isConnected: (peer: PeerId) => boolean
  subjectOf: (peer: PeerId) => Subject
}

interface Job {
  readonly peer: PeerId
  /** The head that the peer sent, if no newer one of it was received since. */
  head: Head | undefined
  readonly done: Promise<boolean>
}

const none = new Uint8Array()

/** How a head compares with ours: a `newer-root` can't be verified before the roots up to it are fetched. */
export type HeadComparison = 'newer' | 'newer-root' | 'known'

export class Refresher {
  readonly #components: RefresherComponents
  readonly #stop = new AbortController()
  readonly #race = new AbortRace(this.#stop.signal)
  readonly #waiting = new Map<string, Job>()
  /** The refresh that was begun last from each peer. */
  readonly #running = new Map<string, Promise<boolean>>()
  readonly #retries = new Map<string, { count: number; timer: NodeJS.Timeout }>()
  readonly #members = placesFor(memberRefreshes)
  readonly #strangers = placesFor(strangerRefreshes)
  /** Peers that stalled recently: together they have one share. */
  readonly #slow = new LRUCache<string, true>({ max: scoredPeers, ttl: lateSourceMs })

  constructor(components: RefresherComponents) {
    this.#components = components
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    for (const { timer } of this.#retries.values()) clearTimeout(timer)
    this.#retries.clear()
    this.#waiting.clear()
    await Promise.all(this.#running.values())
    this.#race.end()
  }

  /**
   * Refreshes from a peer when a place is free; its unverified `head` saves a request. Resolves to whether anything
   * changed; never rejects.
   */
  refreshFrom(peer: PeerId, head?: Head): Promise<boolean> {
    const key = peer.toString()
    const full = this.#waiting.size >= waitingRefreshes && !this.#components.isMember(peer)
    if (this.#stop.signal.aborted || full) return Promise.resolve(false)
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) {
      // With two different heads waiting, the peer is asked for its current one.
      waiting.head = undefined
      return waiting.done
    }
    const done = Promise.withResolvers<boolean>()
    const job: Job = { peer, head, done: done.promise }
    this.#waiting.set(key, job)
    const running = (this.#running.get(key) ?? Promise.resolve()).then(() => this.#run(job))
    this.#running.set(key, running)
    void running.then(changed => {
      if (this.#running.get(key) === running) this.#running.delete(key)
      done.resolve(changed)
    })
    return done.promise
  }

  /** Compares a head with ours. Throws a TrustError or MetadataError if it lacks our root's signatures or is older. */
  compareHead(head: Head): HeadComparison {
    const { state, clock } = this.#components
    const { trusted } = state
    if (trusted === undefined || head.root > trusted.root.signed.version) return 'newer-root'
    return updateTimestamp(trusted, head.timestamp, clock.reference).timestamp === trusted.timestamp ? 'known' : 'newer'
  }

  /** Never rejects. */
  async #run(job: Job): Promise<boolean> {
    const { isMember, subjectOf } = this.#components
    const { peer } = job
    const key = peer.toString()
    const ended = new AbortController()
    const places = isMember(peer) ? this.#members : this.#strangers
    const subject = this.#slow.has(key) ? { peer: key, group: 'slow' } : subjectOf(peer)
    const takeBack = () => {
      this.#slow.set(key, true)
      ended.abort(new Error('another peer has newer metadata'))
    }
    const place = await places.wait(subject, takeBack, this.#race).catch(() => undefined)
    this.#waiting.delete(key)
    if (place === undefined) return false
    try {
      return await this.#refresh(job, place, AbortSignal.any([ended.signal, this.#stop.signal]))
    } finally {
      place.leave()
    }
  }

  async #refresh({ peer, head }: Job, place: Place, stopped: AbortSignal): Promise<boolean> {
    const { state, clock, log } = this.#components
    const key = peer.toString()
    const time = clock.reference
    const { accepted: basis } = state
    const single = noting(this.#components.documents, place)
    try {
      const signal = AbortSignal.any([stopped, AbortSignal.timeout(refreshTimeoutMs)])
      const isNews =
        head !== undefined && basis !== undefined && !equalBytes(head.timestamp, state.head?.timestamp ?? none)
      const documents = isNews ? await withNamed(single, state, { peer, head, signal }) : single
      const before = state.trusted ?? (await fetchFirstRoot(documents, state, peer, signal))
      const source = metadataFrom(documents, peer, signal, head)
      const after = await refresh(before, source, time, async (role, set) => {
        if (role === 'root') await state.keepRoot(set)
      })
      signal.throwIfAborted()
      this.#retries.delete(key)
      if (state.accepted !== undefined && after.timestamp === before.timestamp && after.root === before.root)
        return false
      const fetch: DocumentFetcher = ({ hash, length }) => documents.fetch(hash, peer, signal, length)
      const accepted = await state.accept(after, fetch, { accepted: basis })
      log.info({ release: accepted.release.version, peer: key }, 'a new release is trusted')
      return true
    } catch (thrown) {
      if (this.#stop.signal.aborted) return false
      // Another refresh was faster: what this peer has is compared with the newer metadata.
      if (state.accepted !== basis)
        return await this.#refresh({ peer, head, done: Promise.resolve(false) }, place, stopped)
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

function placesFor(places: number): FairPlaces {
  return new FairPlaces({ places, idleMs: idleRefreshMs, turnMs: refreshTurnMs })
}

/** Notes progress. A document may come from any member, and is fetched from others where one is late. */
function noting(documents: RefresherComponents['documents'], place: Place): RefresherComponents['documents'] {
  return {
    ask: async (peer, request, maxBytes, signal, progress) => {
      const noted = (bytes: number) => {
        place.touch()
        progress?.(bytes)
      }
      const answer = await documents.ask(peer, request, maxBytes, signal, noted)
      place.touch()
      return answer
    },
    fetch: (...request) => place.during(documents.fetch(...request)),
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
