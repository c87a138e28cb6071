/** Places for connections: of strangers by address, of members by join token. A crowd of either keeps nobody else out. */

import type { Connection, PeerId } from '@libp2p/interface'
import { FairPlaces, type Place, type Subject } from '../../concurrency/fair-places.ts'
import {
  connectionsPerPeer,
  idleStrangerMs,
  memberConnections,
  spareConnections,
  strangerConnections,
} from '../limits.ts'
import type { Host } from '../transport/host.ts'
import { strangerAt } from './subject.ts'

export interface ConnectionLimits {
  members: number
  strangers: number
}

const usualLimits: ConnectionLimits = { members: memberConnections, strangers: strangerConnections }

/** Connections that the transport may accept: some are still being closed. */
export function mostConnections({ members, strangers } = usualLimits): number {
  return members + strangers + spareConnections
}

export interface ConnectionPlacesComponents {
  host: Pick<Host, 'getConnections'>
  /** Whose share the connections of an admitted peer count for now: a new certificate may change it. */
  subjectOf: (peer: PeerId) => Subject
  /** Drops a member whose place another one needs, and keeps it away for a while. */
  dismiss: (peer: PeerId) => void
}

export class ConnectionPlaces {
  readonly #components: ConnectionPlacesComponents
  readonly #members: FairPlaces
  readonly #strangers: FairPlaces
  readonly #held = new Map<Connection, { readonly place: Place; readonly member: boolean }>()

  constructor(components: ConnectionPlacesComponents, { members, strangers } = usualLimits) {
    this.#components = components
    // A member's connection is quiet for minutes, so it never counts as idle.
    this.#members = new FairPlaces({ places: members, idleMs: Number.POSITIVE_INFINITY, turnMs: 0 })
    this.#strangers = new FairPlaces({ places: strangers, idleMs: idleStrangerMs, turnMs: idleStrangerMs })
  }

  /** Takes a place for a new connection; closes it if there is none, and the oldest ones of a peer that has too many. */
  opened(connection: Connection): boolean {
    const all = this.#components.host.getConnections(connection.remotePeer)
    const oldestFirst = all.toSorted((a, b) => a.timeline.open - b.timeline.open)
    // Stream limits apply to each connection, so connections of one peer are limited too.
    for (const old of oldestFirst.slice(0, Math.max(0, all.length - connectionsPerPeer))) {
      old.abort(new Error('too many connections of one peer'))
    }
    const subject = strangerAt(connection)
    const takeBack = () => connection.abort(new Error('another peer waits to be admitted'))
    // Those that we dialled are few, and our own choice.
    const take = connection.direction === 'outbound' ? this.#strangers.claim : this.#strangers.enter
    const place = take.call(this.#strangers, subject, takeBack)
    if (place === undefined) connection.abort(new Error('too many connections'))
    else this.#held.set(connection, { place, member: false })
    return place !== undefined
  }

  /** Moves the connection of an admitted peer to the members; false if they have no place for it. */
  admitted(connection: Connection, subject: Subject): boolean {
    const held = this.#held.get(connection)
    if (held?.member === true) return true
    const peer = connection.remotePeer
    const sharing = { subjects: () => [this.#components.subjectOf(peer)], usedAt: () => performance.now() }
    const place = this.#members.enter(subject, () => this.#components.dismiss(peer), sharing)
    if (place === undefined) return false
    held?.place.leave()
    this.#held.set(connection, { place, member: true })
    return true
  }

  closed(connection: Connection): void {
    this.#held.get(connection)?.place.leave()
    this.#held.delete(connection)
  }
}
