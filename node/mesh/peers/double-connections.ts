/** Ends connections that are one too many: two peers that find each other at the same moment both dial. */

import { EventEmitter } from 'node:events'
import type { Connection } from '@libp2p/interface'
import { crossingMs, doubleMs, superviseIntervalMs } from '../limits.ts'
import { isHeld } from '../transport/held-connections.ts'
import type { Host } from '../transport/host.ts'
import { isRelayed, wayOf } from '../transport/way.ts'
import type { Admission } from './admission.ts'

export interface DoubleConnectionsComponents {
  host: Pick<Host, 'getConnections' | 'peerId'>
  admission: Pick<Admission, 'member'>
  /** Members keep two connections to hubs at times: one from the port whose mapping they ask for. */
  isHub: (peer: string) => boolean
  /** Milliseconds; for tests. */
  now?: () => number
}

interface Events {
  /** One of the connections to a peer has ended. */
  ended: [string]
}

export class DoubleConnections extends EventEmitter<Events> {
  readonly #components: DoubleConnectionsComponents
  readonly #now: () => number
  /** When a connection was first seen beside a better one. */
  readonly #since = new WeakMap<Connection, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(components: DoubleConnectionsComponents) {
    super()
    this.#components = components
    this.#now = components.now ?? (() => performance.now())
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), superviseIntervalMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Ends what nothing but gossip has used for a while, beside a better connection to the same peer. */
  check(): void {
    for (const connection of this.#excess()) {
      const since = this.#since.get(connection) ?? this.#now()
      const isQuiet =
        !isHeld(connection) && connection.streams.every(({ protocol }) => protocol.startsWith('/meshsub/'))
      // Both sides may still be about to use it.
      if (isQuiet) this.#since.set(connection, since)
      else this.#since.delete(connection)
      if (isQuiet && this.#now() - since >= doubleMs) this.#end(connection)
    }
  }

  #excess(): Connection[] {
    const { host, admission, isHub } = this.#components
    const own = host.peerId.toString()
    if (isHub(own)) return []
    const open = host.getConnections().filter(each => each.status === 'open' && !isRelayed(each))
    const all = Map.groupBy(open, ({ remotePeer }) => remotePeer.toString())
    return [...all].flatMap(([peer, connections]) => {
      const [first] = connections
      // One side decides, else each might end the other's choice.
      if (first === undefined || peer < own || isHub(peer) || admission.member(first.remotePeer) === undefined)
        return []
      const [best = first, ...others] = connections.toSorted(byWorth)
      return others.filter(each => Math.abs(each.timeline.open - best.timeline.open) < crossingMs)
    })
  }

  #end(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    void connection
      .close({ signal: AbortSignal.timeout(doubleMs) })
      .catch(error => connection.abort(error))
      .finally(() => this.emit('ended', peer))
  }
}

/** A dialled one first: its address can be dialled again. Then the newest, which new streams use. */
function byWorth(a: Connection, b: Connection): number {
  const isDirect = (each: Connection) => Number(wayOf(each).kind === 'direct')
  return isDirect(b) - isDirect(a) || b.timeline.open - a.timeline.open
}
