/** Replaces relayed connections by direct ones: both sides say where they are, agree on a moment, and meet. */

import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { messageOf } from '../../../protocol/errors.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import { meetingCodec, meetNowCodec, type TcpEnd } from '../../../protocol/messages/relay.ts'
import { SubjectBudgets } from '../../concurrency/subject-budgets.ts'
import type { Logger } from '../../process/log.ts'
import { dialTimeoutMs, hubCheckMs, meetingRate, movedMs, punchAgainMs, punchTries, scoredPeers } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import { withChannel } from '../transport/channel.ts'
import { directTo } from '../transport/open-stream.ts'
import { isRelayed } from '../transport/way.ts'
import { MeetError, meet } from './meet.ts'
import { lookAtOwnEnds, type MeetingComponents, type MeetingPlace, meetingOf, type SeenAt } from './meeting.ts'

export interface PuncherComponents extends MeetingComponents {
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'member' | 'subjectOf' | 'on'>
  seenAt: SeenAt
  log: Logger
  /** Milliseconds; for tests. */
  now?: () => number
}

interface Events {
  /** A relayed connection to this peer has ended in favour of a direct one. */
  moved: [string]
  /** A meeting has succeeded, and how long it took. */
  punched: [peer: string, milliseconds: number]
  /** One has failed. */
  missed: [peer: string]
}

interface Attempts {
  /** The relayed connection that they were made over: with another one they begin anew. */
  over: Connection | undefined
  failures: number
  nextAt: number
  busy: boolean
}

export class Puncher extends EventEmitter<Events> {
  readonly #components: PuncherComponents
  readonly #attempts = new Map<string, Attempts>()
  /** When a better connection was first seen beside a relayed one. */
  readonly #betterSince = new WeakMap<Connection, number>()
  /** Where hubs see connections to them: each meeting would ask anew, and wait for both hubs. */
  readonly #seen = new WeakMap<Connection, TcpEnd>()
  readonly #budgets = new SubjectBudgets({ peer: meetingRate, group: meetingRate, subjects: scoredPeers })
  readonly #stop = new AbortController()
  readonly #now: () => number
  #timer: NodeJS.Timeout | undefined

  constructor(components: PuncherComponents) {
    super()
    this.#components = components
    this.#now = components.now ?? (() => performance.now())
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.punch)
    await host.handle(names.punch, (stream, connection) => this.#answer(stream, connection), { maxInboundStreams: 2 })
    admission.on('admitted', () => this.check())
    this.#timer = setInterval(() => this.check(), hubCheckMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#components.names.punch)
  }

  /** Tries all that is relayed anew: the network is another one now. */
  retry(): void {
    for (const attempts of this.#attempts.values()) Object.assign(attempts, { failures: 0, nextAt: 0 })
  }

  /** Begins meetings that are due, and ends relayed connections that have a direct one beside them. */
  check(): void {
    if (this.#stop.signal.aborted) return
    const { host, admission } = this.#components
    const relayed = host.getConnections().filter(each => each.status === 'open' && isRelayed(each))
    const peers = new Set(relayed.map(({ remotePeer }) => remotePeer.toString()))
    for (const [peer, { busy }] of this.#attempts) if (!peers.has(peer) && !busy) this.#attempts.delete(peer)
    for (const connection of relayed) {
      // One side decides: the one that opened it.
      if (connection.direction !== 'outbound' || admission.member(connection.remotePeer) === undefined) continue
      const attempts = this.#of(connection.remotePeer.toString())
      // Both sides may have dialled, by different hubs: that of the lower ID stays.
      const isDouble = relayed.some(
        each => each.direction === 'inbound' && each.remotePeer.equals(connection.remotePeer),
      )
      const yields = isDouble && host.peerId.toString() > connection.remotePeer.toString()
      // Two parts of this side may have dialled at once.
      const isOlder = relayed.some(
        each =>
          each.direction === 'outbound' &&
          each.remotePeer.equals(connection.remotePeer) &&
          relayed.indexOf(each) > relayed.indexOf(connection),
      )
      const hasBetter = yields || isOlder || directTo(host, connection.remotePeer) !== undefined
      if (!hasBetter) this.#betterSince.delete(connection)
      if (hasBetter) {
        this.#move(connection)
        continue
      }
      if (attempts.busy) continue
      // The peer came again, mostly from another place or after another start.
      if (attempts.over !== connection) Object.assign(attempts, { over: connection, failures: 0, nextAt: 0 })
      if (this.#now() >= attempts.nextAt) void this.#try(connection, attempts)
    }
  }

  /** Never rejects. */
  async #try(relayed: Connection, attempts: Attempts): Promise<void> {
    const peer = relayed.remotePeer.toString()
    const { log } = this.#components
    attempts.busy = true
    try {
      await this.#punch(relayed)
      attempts.failures = 0
    } catch (thrown) {
      attempts.failures++
      this.emit('missed', peer)
      log.debug({ peer, reason: messageOf(thrown), failures: attempts.failures }, 'a peer was not met directly')
    } finally {
      attempts.busy = false
      attempts.nextAt =
        this.#now() + (attempts.failures % punchTries === 0 ? punchAgainMs : hubCheckMs * attempts.failures)
      this.check()
    }
  }

  async #punch(relayed: Connection): Promise<void> {
    const { host, names } = this.#components
    const began = performance.now()
    const limit = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(dialTimeoutMs)])
    const opening = relayed.newStream(names.punch, { signal: limit })
    // Both take a round trip, and one is enough.
    const [ends, stream] = await Promise.all([lookAtOwnEnds(this.#components, this.#seen), opening])
    const ours = meetingOf(ends, this.#components)
    const { theirs, roundTripMs } = await withChannel(stream, limit, async channel => {
      await channel.send(meetingCodec, ours)
      const theirs = await channel.receive(meetingCodec)
      const asked = performance.now()
      await channel.send(meetNowCodec, { now: true })
      await channel.receive(meetNowCodec)
      const roundTripMs = performance.now() - asked
      await channel.send(meetNowCodec, { now: true })
      return { theirs, roundTripMs }
    })
    await sleep(roundTripMs / 2)
    await this.#meet(relayed, { ours, theirs, ourIps: ends.seen.map(({ ip }) => ip) }, roundTripMs)
    if (directTo(host, relayed.remotePeer) === undefined) throw new MeetError('missed', 'the connection ended at once')
    this.emit('punched', relayed.remotePeer.toString(), performance.now() - began)
  }

  /** Never rejects. */
  async #answer(stream: Stream, relayed: Connection): Promise<void> {
    const { log, admission } = this.#components
    const peer = relayed.remotePeer
    try {
      const isAllowed = isRelayed(relayed) && admission.member(peer) !== undefined
      if (!isAllowed || !this.#budgets.take(admission.subjectOf(peer))) return stream.abort(new Error('not now'))
      const { place, roundTripMs } = await withChannel(stream, this.#stop.signal, async channel => {
        const looking = lookAtOwnEnds(this.#components, this.#seen)
        const theirs = await channel.receive(meetingCodec)
        const ends = await looking
        const ours = meetingOf(ends, this.#components)
        await channel.send(meetingCodec, ours)
        await channel.receive(meetNowCodec)
        const asked = performance.now()
        await channel.send(meetNowCodec, { now: true })
        await channel.receive(meetNowCodec)
        const place = { ours, theirs, ourIps: ends.seen.map(({ ip }) => ip) }
        return { place, roundTripMs: performance.now() - asked }
      })
      await this.#meet(relayed, place, roundTripMs)
    } catch (thrown) {
      log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'a peer was not met directly')
    }
  }

  async #meet(relayed: Connection, place: Omit<MeetingPlace, 'theirIp'>, roundTripMs: number): Promise<void> {
    const { host, ownPort, seenAt } = this.#components
    const theirIp = seenAt(relayed)
    await meet(relayed, { ...place, theirIp }, roundTripMs, { host, ownPort, stop: this.#stop.signal })
  }

  /**
   * Ends a relayed connection that another one replaces, once its streams have ended, or after a while. Not at once: the
   * other side may be about to end the new one, as one too many.
   */
  #move(relayed: Connection): void {
    const since = this.#betterSince.get(relayed) ?? this.#now()
    this.#betterSince.set(relayed, since)
    const betterMs = this.#now() - since
    const isQuiet = relayed.streams.every(({ protocol }) => protocol.startsWith('/meshsub/'))
    if (betterMs < (isQuiet ? hubCheckMs : movedMs)) return
    const peer = relayed.remotePeer.toString()
    void relayed
      .close({ signal: AbortSignal.timeout(movedMs) })
      .catch(error => relayed.abort(error))
      .finally(() => this.emit('moved', peer))
  }

  #of(peer: string): Attempts {
    const known = this.#attempts.get(peer) ?? { over: undefined, failures: 0, nextAt: 0, busy: false }
    this.#attempts.set(peer, known)
    return known
  }
}
