/**
 * Ends connections whose other side is gone without a word, when there is reason to think so: a member connects anew, as it
 * does when its uplink has another address, or a hub has turned out to be gone. Else the kernel takes minutes to notice,
 * and what is relayed through such a connection hangs that long.
 */

import type { Connection, PeerId } from '@libp2p/interface'
import { messageOf } from '../../../protocol/errors.ts'
import type { Logger } from '../../process/log.ts'
import { crossingMs, silentAnswerMs } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import type { Host } from '../transport/host.ts'
import { trafficOf } from '../transport/traffic.ts'
import type { Reach } from './reach.ts'

export interface SilentConnectionsComponents {
  host: Pick<Host, 'getConnections' | 'addEventListener'>
  admission: Pick<Admission, 'member'>
  reach: Pick<Reach, 'ask'>
  log: Logger
  /** How long an answer may take; for tests. */
  answerMs?: number
}

export class SilentConnections {
  readonly #components: SilentConnectionsComponents
  readonly #asked = new WeakSet<Connection>()
  /** Looks that come later, at those that two crossing dials may have opened. */
  readonly #later = new Set<NodeJS.Timeout>()
  #stopped = false

  constructor(components: SilentConnectionsComponents) {
    this.#components = components
  }

  start(): void {
    this.#components.host.addEventListener('connection:open', ({ detail }) => {
      const { remotePeer, timeline } = detail
      // Crossing dials open two at once, of which one ends by itself: of those that are left, the older one may have lost its
      // other side in between.
      this.#ask(remotePeer, timeline.open - crossingMs)
      const isCrossed = ({ timeline: { open } }: Connection) =>
        open < timeline.open && open > timeline.open - crossingMs
      if (!this.#components.host.getConnections(remotePeer).some(isCrossed)) return
      const timer = setTimeout(() => {
        this.#later.delete(timer)
        this.#ask(remotePeer, timeline.open - 1)
      }, crossingMs)
      this.#later.add(timer.unref())
    })
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#later) clearTimeout(timer)
    this.#later.clear()
  }

  /** Asks all connections: this peer's own network may be another one now. */
  askAll(): void {
    this.#ask(undefined, Number.POSITIVE_INFINITY)
  }

  /** Asks connections to members that were opened before a time. */
  #ask(peer: PeerId | undefined, before: number): void {
    if (this.#stopped) return
    const { host, admission } = this.#components
    for (const connection of host.getConnections(peer)) {
      const isOld = connection.status === 'open' && connection.timeline.open <= before
      if (!isOld || this.#asked.has(connection) || admission.member(connection.remotePeer) === undefined) continue
      void this.#end(connection)
    }
  }

  /** Ends a connection on which nothing comes, not even an answer. Never rejects. */
  async #end(connection: Connection): Promise<void> {
    const { reach, log, answerMs = silentAnswerMs } = this.#components
    this.#asked.add(connection)
    const limit = AbortSignal.timeout(answerMs)
    const before = trafficOf(connection).received
    try {
      await reach.ask(connection, undefined, limit)
    } catch (thrown) {
      // A refusal is an answer. So is anything else: on a slow line the answer may wait behind what is being sent.
      const isSilent = limit.aborted && trafficOf(connection).received === before
      if (!isSilent || this.#stopped || connection.status !== 'open') return
      const peer = connection.remotePeer.toString()
      log.info({ peer, reason: messageOf(thrown) }, 'a connection whose other side is gone has ended')
      connection.abort(new Error('the other side is gone'))
    } finally {
      this.#asked.delete(connection)
    }
  }
}
