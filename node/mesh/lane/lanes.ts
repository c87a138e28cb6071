/**
 * Opens bulk lanes: the side that dialled the mesh's connection asks the other one for a ticket and dials the same address
 * once more. Where that isn't possible (hubs, NATs, old peers) all bytes stay on the mesh.
 */

import type { TLSSocket } from 'node:tls'
import type { Connection } from '@libp2p/interface'
import { messageOf } from '../../../protocol/errors.ts'
import { type LaneAnswer, type LaneTicket, laneAnswerCodec } from '../../../protocol/messages/lane.ts'
import type { Logger } from '../../process/log.ts'
import { helloTimeoutMs } from '../limits.ts'
import { endOf } from '../relay/ends.ts'
import { type Channel, withChannel } from '../transport/channel.ts'
import type { PortGuests } from '../transport/port-guests.ts'
import { wayOf } from '../transport/way.ts'
import { cipherFor, hasAes } from './aes.ts'
import { type DialInit, dialLane, LaneDoor } from './lane-tls.ts'
import { laneRetryMs } from './limits.ts'
import { Tickets } from './tickets.ts'

/** What a lane is for. */
export interface LaneHolder {
  /** The other side has opened it. */
  readonly opened: (socket: TLSSocket) => void
}

interface Opening extends Pick<DialInit, 'into' | 'onOpen'> {
  /** The protocol of the request for a ticket. */
  readonly protocol: string
  /** Sends the request. */
  readonly ask: (channel: Channel, aes: boolean) => Promise<void>
  /** There is a ticket; gives whether to dial. */
  readonly onTicket?: () => boolean
  /** Whether what fails is the connection's fault: not, where what the lane was for has ended. */
  readonly isWanted: () => boolean
}

export class Lanes {
  readonly #guests: PortGuests
  readonly #log: Logger
  readonly #tickets = new Tickets<LaneHolder>()
  readonly #door = new LaneDoor<{ readonly holder: LaneHolder; readonly name: string }>(
    name => {
      const taken = this.#tickets.take(name)
      return taken && { key: taken.key, holder: { holder: taken.holder, name } }
    },
    (socket, { holder, name }) => {
      // Who has asked for another one since has given this lane up.
      if (this.#tickets.isNewest(holder, name)) holder.opened(socket)
      else socket.destroy()
    },
  )
  /** Until when a connection gets no lane, after one that failed. */
  readonly #paused = new WeakMap<Connection, number>()
  readonly #stop = new AbortController()

  constructor({ guests, log }: { guests: PortGuests; log: Logger }) {
    this.#guests = guests
    this.#log = log
  }

  start(): void {
    this.#guests.receive(this.#door.answer)
  }

  stop(): void {
    this.#stop.abort(new Error('the peer stops'))
    this.#guests.receive(undefined)
    this.#tickets.stop()
    this.#door.stop()
  }

  /** A ticket for a lane beside this connection, which the other side dialled; its holder's last one is void. */
  async ticketFor(holder: LaneHolder, connection: Connection, aes: boolean): Promise<LaneTicket | undefined> {
    const from = endOf(connection)
    if (from === undefined || wayOf(connection).kind !== 'direct') return undefined
    await this.#door.open()
    return this.#tickets.issue(holder, await cipherFor(aes), this.#guests.expect(from.ip))
  }

  /** Takes back the ticket of a holder, if it has one. */
  revoke(holder: LaneHolder): void {
    this.#tickets.revoke(holder)
  }

  /** Whether this side is the one to dial a lane beside a connection, and may try now. */
  mayOpen(connection: Connection): boolean {
    if (connection.direction !== 'outbound' || wayOf(connection).kind !== 'direct') return false
    return (this.#paused.get(connection) ?? 0) <= Date.now()
  }

  /** No lane beside this connection for a while. */
  pause(connection: Connection): void {
    this.#paused.set(connection, Date.now() + laneRetryMs)
  }

  /** Asks for a ticket and dials; resolves to whether the lane is open. Never rejects. */
  async open(connection: Connection, { protocol, ask, onTicket, isWanted, ...dial }: Opening): Promise<boolean> {
    const peer = connection.remotePeer.toString()
    try {
      const end = endOf(connection)
      if (end === undefined) return false
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(helloTimeoutMs)])
      const stream = await connection.newStream(protocol, { signal })
      const aes = await hasAes()
      const ticket = await withChannel<LaneAnswer>(stream, signal, async channel => {
        await ask(channel, aes)
        return await channel.receive(laneAnswerCodec)
      })
      if ('error' in ticket) {
        this.#log.debug({ peer, reason: ticket.error }, 'a lane was refused')
        return false
      }
      if (onTicket?.() === false) return false
      await dialLane(end, ticket, { ...dial, signal: this.#stop.signal })
      this.#log.debug({ peer }, 'a lane was opened')
      return true
    } catch (thrown) {
      // A peer that knows no lanes of this kind may know others.
      const isUnknown = thrown instanceof Error && thrown.name === 'UnsupportedProtocolError'
      if (isWanted() && !isUnknown) this.pause(connection)
      this.#log.debug({ peer, reason: messageOf(thrown) }, 'no lane could be opened: bytes stay on the mesh')
      return false
    }
  }
}
