/** Bulk lanes for the chunks of sessions: each session gets one, where there can be one. */

import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { type LaneAnswer, laneAnswerCodec, laneRequestCodec } from '../../../protocol/messages/lane.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import { KeyWaits } from '../../concurrency/key-waits.ts'
import type { LaneHolder, Lanes } from '../../mesh/lane/lanes.ts'
import { helloTimeoutMs, waitingStreams } from '../../mesh/limits.ts'
import type { Admission } from '../../mesh/peers/admission.ts'
import { withChannel } from '../../mesh/transport/channel.ts'
import type { Host } from '../../mesh/transport/host.ts'
import { directTo } from '../../mesh/transport/open-stream.ts'
import type { Logger } from '../../process/log.ts'
import { acceptedLane, laneToDial } from '../lane/chunk-lane.ts'
import type { FramePatience } from '../lane/frame-patience.ts'
import { servedClosures } from '../limits.ts'
import type { Session } from './session.ts'
import { SessionError } from './session-error.ts'

export interface SessionLanesComponents {
  readonly host: Host
  readonly names: ProtocolNames
  readonly admission: Pick<Admission, 'gate' | 'member'>
  readonly lanes: Lanes
  readonly log: Logger
}

/** A session that may get a lane. */
interface Holder extends LaneHolder {
  readonly session: Session
}

export class SessionLanes {
  readonly #components: SessionLanesComponents
  readonly #patience: FramePatience | undefined
  /** The sessions of this peer by the other one and the closure, as long as they last. */
  readonly #sessions = new Map<string, Holder>()
  /** Requests for a ticket that came before their session was attached. */
  readonly #waits = new KeyWaits({ mostPerKey: waitingStreams, limitMs: helloTimeoutMs })
  readonly #opening = new Set<string>()
  readonly #stop = new AbortController()

  constructor(components: SessionLanesComponents, patience?: FramePatience) {
    this.#components = components
    this.#patience = patience
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    const bounds = { maxInboundStreams: servedClosures, maxOutboundStreams: servedClosures }
    await host.handle(names.lane, (stream, connection) => this.#answer(stream, connection), bounds)
    admission.gate(names.lane)
  }

  async stop(): Promise<void> {
    const { host, names } = this.#components
    this.#stop.abort(new SessionError('ended', 'the peer stops'))
    await host.unhandle(names.lane)
    this.#waits.stop()
  }

  /** A session has begun: it gets a lane if this side is the one to dial, and the other can be dialled. */
  attached(session: Session, peer: PeerId, closure: Uint8Array): void {
    const { host, lanes, log } = this.#components
    const key = `${peer} ${toHex(closure)}`
    const opened: Holder['opened'] = socket => {
      log.debug({ peer: peer.toString() }, 'a lane was opened by the other side')
      session.useLane(acceptedLane(socket, this.#patience), () => {})
    }
    const holder = { session, opened }
    this.#sessions.set(key, holder)
    session.once('closed', () => {
      lanes.revoke(holder)
      if (this.#sessions.get(key) === holder) this.#sessions.delete(key)
    })
    this.#waits.wake(key)
    const connection = directTo(host, peer)
    if (connection === undefined || this.#opening.has(key) || !lanes.mayOpen(connection)) return
    this.#opening.add(key)
    void this.#dial(session, connection, closure).finally(() => {
      this.#opening.delete(key)
      const next = this.#sessions.get(key)?.session
      if (session.closed && next !== undefined && next !== session) this.attached(next, peer, closure)
    })
  }

  async #dial(session: Session, connection: Connection, closure: Uint8Array): Promise<void> {
    const { names, lanes } = this.#components
    const { lane, ...init } = laneToDial(this.#patience)
    const isOpen = await lanes.open(connection, {
      ...init,
      protocol: names.lane,
      ask: async (channel, aes) => await channel.send(laneRequestCodec, { closure, aes }),
      // The ticket of a session that was replaced is taken back.
      isWanted: () => !session.closed,
    })
    if (isOpen) session.useLane(lane, () => lanes.pause(connection))
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const { admission, lanes, log } = this.#components
    const peer = connection.remotePeer
    try {
      await withChannel(stream, this.#stop.signal, async channel => {
        const { closure, aes } = await channel.receive(laneRequestCodec)
        const holder = await this.#sessionOf(`${peer} ${toHex(closure)}`)
        const give = (answer: LaneAnswer) => channel.send(laneAnswerCodec, answer)
        if (holder === undefined || admission.member(peer) === undefined) return await give({ error: 'no-session' })
        if (holder.session.hasLane) return await give({ error: 'busy' })
        await give((await lanes.ticketFor(holder, connection, aes)) ?? { error: 'no-session' })
      })
    } catch (thrown) {
      log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'a request for a lane failed')
    }
  }

  /** The session, which the other side may have opened a moment before this one. */
  async #sessionOf(key: string): Promise<Holder | undefined> {
    await this.#waits.until(key, () => this.#sessions.has(key))
    return this.#sessions.get(key)
  }
}
