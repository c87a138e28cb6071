/** Lanes for streams of access: a stream that moves much goes on on a connection of its own, where there can be one. */

import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { messageOf } from '../../../protocol/errors.ts'
import { type LaneAnswer, laneAnswerCodec, streamLaneRequestCodec } from '../../../protocol/messages/lane.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import type { Logger } from '../../process/log.ts'
import type { Admission } from '../peers/admission.ts'
import { type Channel, withChannel } from '../transport/channel.ts'
import { ChannelDuplex } from '../transport/channel-duplex.ts'
import { holdConnection } from '../transport/held-connections.ts'
import type { Host } from '../transport/host.ts'
import { wayOf } from '../transport/way.ts'
import { LaneStream } from './lane-stream.ts'
import type { LaneHolder, Lanes } from './lanes.ts'
import { laneAskAgainMs, laneRequests, laneTries } from './limits.ts'

export interface StreamLanesComponents {
  readonly host: Host
  readonly names: ProtocolNames
  readonly admission: Pick<Admission, 'gate' | 'member'>
  /** Without it all streams stay on the mesh. */
  readonly lanes: Lanes | undefined
  readonly log: Logger
}

/** A stream that may get a lane. */
interface Holder extends LaneHolder {
  readonly stream: LaneStream
}

export class StreamLanes {
  readonly #components: StreamLanesComponents
  /** By connection and number. */
  readonly #holders = new Map<string, Holder>()
  readonly #stop = new AbortController()

  constructor(components: StreamLanesComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission, lanes } = this.#components
    if (lanes === undefined) return
    const bounds = { maxInboundStreams: laneRequests, maxOutboundStreams: laneRequests }
    await host.handle(names.streamLane, (stream, connection) => this.#answer(stream, connection), bounds)
    admission.gate(names.streamLane)
  }

  async stop(): Promise<void> {
    const { host, names, lanes } = this.#components
    this.#stop.abort(new Error('the peer stops'))
    if (lanes !== undefined) await host.unhandle(names.streamLane)
  }

  /** What comes after the messages of a channel, for which both sides have agreed what it is. */
  duplex(channel: Channel, connection: Connection): Duplex {
    const { lanes } = this.#components
    const number = numberOf(channel.stream)
    if (lanes === undefined || number === undefined || wayOf(connection).kind !== 'direct') {
      return new ChannelDuplex(channel)
    }
    let lost = 0
    const open = () => void this.#open(lanes, stream, connection, number, lost)
    const stream = new LaneStream(channel, open, () => {
      lost += 1
      open()
    })
    const holder: Holder = { stream, opened: socket => stream.accepted(socket) }
    const key = keyOf(connection, number)
    this.#holders.set(key, holder)
    // A ticket that is out is of no use any more.
    const cut = () => {
      stream.cut()
      lanes.revoke(holder)
    }
    connection.addEventListener('close', cut)
    if (connection.status !== 'open') cut()
    // On a lane, the stream is no longer among the connection's own.
    const release = holdConnection(connection)
    stream.once('close', () => {
      release()
      connection.removeEventListener('close', cut)
      this.#holders.delete(key)
      lanes.revoke(holder)
    })
    return stream
  }

  /** `lost`: how many lanes of this stream the other side has not welcomed. After one, it has to say that it uses none. */
  async #open(lanes: Lanes, stream: LaneStream, connection: Connection, number: number, lost: number): Promise<void> {
    if (lost === 0 && (stream.hasLane || !lanes.mayOpen(connection))) return
    let isSettled = lost === 0
    const mayDial = lost < laneTries
    if (!mayDial) lanes.pause(connection)
    let isAsked = false
    const isWanted = () => !stream.destroyed && connection.status === 'open' && !this.#stop.signal.aborted
    // Whoever could not even ask knows as little as before, and nothing is lost yet: the stream goes on on the mesh meanwhile.
    while (true) {
      await lanes.open(connection, {
        protocol: this.#components.names.streamLane,
        ask: async (channel, aes) => {
          isAsked = true
          await channel.send(streamLaneRequestCodec, { stream: number, aes })
        },
        onTicket: () => {
          isSettled = true
          stream.settled()
          return mayDial
        },
        onOpen: socket => stream.dialled(socket),
        isWanted: () => !stream.destroyed,
      })
      if (isSettled || isAsked || !isWanted()) break
      await sleep(laneAskAgainMs, undefined, { signal: this.#stop.signal }).catch(() => {})
    }
    if (!isSettled) stream.unsettled()
  }

  async #answer(asking: Stream, connection: Connection): Promise<void> {
    const { admission, lanes, log } = this.#components
    const peer = connection.remotePeer
    try {
      await withChannel(asking, this.#stop.signal, async channel => {
        const { stream, aes } = await channel.receive(streamLaneRequestCodec)
        const give = (answer: LaneAnswer) => channel.send(laneAnswerCodec, answer)
        // A stream of another connection is out of reach, and so are those of other peers.
        const holder = this.#holders.get(keyOf(connection, stream))
        if (holder === undefined || admission.member(peer) === undefined) return await give({ error: 'no-session' })
        if (holder.stream.hasLane) return await give({ error: 'busy' })
        // At once: who asks has given up the lane of the last ticket, and takes its stream's end on the mesh for the end.
        lanes?.revoke(holder)
        const ticket = await lanes?.ticketFor(holder, connection, aes)
        if (connection.status !== 'open') lanes?.revoke(holder)
        await give(ticket ?? { error: 'no-session' })
      })
    } catch (thrown) {
      log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'a request for a lane failed')
    }
  }
}

function keyOf({ id }: Connection, number: number): string {
  return `${id} ${number}`
}

/** The number of a stream, as it is in yamux' headers; libp2p's own ID differs on the two sides. */
function numberOf(stream: Stream): number | undefined {
  const { streamId } = stream as { streamId?: unknown }
  return typeof streamId === 'number' && streamId > 0 ? streamId : undefined
}
