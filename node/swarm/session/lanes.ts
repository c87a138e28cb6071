/**
 * Opens bulk lanes: for a session, the side that dialled the mesh's connection asks the other one for a ticket and dials the
 * same address once more. Where that isn't possible (hubs, NATs, old peers) chunks stay on the session's stream.
 */

import { readFile } from 'node:fs/promises'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { type LaneAnswer, laneAnswerCodec, laneRequestCodec } from '../../../protocol/messages/lane.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import { KeyWaits } from '../../concurrency/key-waits.ts'
import { helloTimeoutMs, waitingStreams } from '../../mesh/limits.ts'
import type { Admission } from '../../mesh/peers/admission.ts'
import { endOf } from '../../mesh/relay/ends.ts'
import { withChannel } from '../../mesh/transport/channel.ts'
import type { Host } from '../../mesh/transport/host.ts'
import { directTo } from '../../mesh/transport/open-stream.ts'
import type { PortGuests } from '../../mesh/transport/port-guests.ts'
import { wayOf } from '../../mesh/transport/way.ts'
import type { Logger } from '../../process/log.ts'
import type { FramePatience } from '../lane/frame-patience.ts'
import type { Lane } from '../lane/lane.ts'
import { dialLane, LaneDoor } from '../lane/lane-tls.ts'
import { Tickets } from '../lane/tickets.ts'
import { laneRetryMs, servedClosures } from '../limits.ts'
import type { Session } from './session.ts'
import { SessionError } from './session-error.ts'

export interface LanesComponents {
  readonly host: Host
  readonly names: ProtocolNames
  readonly admission: Pick<Admission, 'gate' | 'member'>
  readonly guests: PortGuests
  readonly log: Logger
}

/** A session that may get a lane. */
interface Holder {
  readonly session: Session
  readonly peer: string
}

export class Lanes {
  readonly #components: LanesComponents
  readonly #patience: FramePatience | undefined
  /** The sessions of this peer by the other one and the closure, as long as they last. */
  readonly #sessions = new Map<string, Holder>()
  /** Requests for a ticket that came before their session was attached. */
  readonly #waits = new KeyWaits({ mostPerKey: waitingStreams, limitMs: helloTimeoutMs })
  readonly #opening = new Set<string>()
  readonly #tickets = new Tickets<Holder>()
  readonly #door: LaneDoor<Holder>
  /** Until when a connection gets no lane, after one that failed. */
  readonly #paused = new WeakMap<Connection, number>()
  readonly #stop = new AbortController()

  constructor(components: LanesComponents, patience?: FramePatience) {
    this.#components = components
    this.#patience = patience
    const take = (name: string) => this.#tickets.take(name)
    const onLane = (lane: Lane, { session, peer }: Holder) => {
      components.log.debug({ peer }, 'a lane was opened by the other side')
      session.useLane(lane, () => {})
    }
    this.#door = new LaneDoor(take, onLane, { patience })
  }

  async start(): Promise<void> {
    const { host, names, admission, guests } = this.#components
    const bounds = { maxInboundStreams: servedClosures, maxOutboundStreams: servedClosures }
    await host.handle(names.lane, (stream, connection) => this.#answer(stream, connection), bounds)
    admission.gate(names.lane)
    guests.receive(this.#door.answer)
  }

  async stop(): Promise<void> {
    const { host, names, guests } = this.#components
    this.#stop.abort(new SessionError('ended', 'the peer stops'))
    guests.receive(undefined)
    await host.unhandle(names.lane)
    this.#tickets.stop()
    this.#door.stop()
    this.#waits.stop()
  }

  /** A session has begun: it gets a lane if this side is the one to dial, and the other can be dialled. */
  attached(session: Session, peer: PeerId, closure: Uint8Array): void {
    const key = `${peer} ${toHex(closure)}`
    const holder = { session, peer: peer.toString() }
    this.#sessions.set(key, holder)
    session.once('closed', () => {
      this.#tickets.revoke(holder)
      if (this.#sessions.get(key) === holder) this.#sessions.delete(key)
    })
    this.#waits.wake(key)
    const connection = directTo(this.#components.host, peer)
    if (connection === undefined || connection.direction !== 'outbound' || wayOf(connection).kind !== 'direct') return
    if (this.#opening.has(key) || (this.#paused.get(connection) ?? 0) > Date.now()) return
    this.#opening.add(key)
    void this.#dial(session, connection, closure).finally(() => {
      this.#opening.delete(key)
      const next = this.#sessions.get(key)?.session
      if (session.closed && next !== undefined && next !== session) this.attached(next, peer, closure)
    })
  }

  async #dial(session: Session, connection: Connection, closure: Uint8Array): Promise<void> {
    const { names, log } = this.#components
    const peer = connection.remotePeer.toString()
    const pause = () => this.#paused.set(connection, Date.now() + laneRetryMs)
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(helloTimeoutMs)])
    try {
      const end = endOf(connection)
      if (end === undefined) return
      const stream = await connection.newStream(names.lane, { signal })
      const aes = await hasAes()
      const ticket = await withChannel<LaneAnswer>(stream, signal, async channel => {
        await channel.send(laneRequestCodec, { closure, aes })
        return await channel.receive(laneAnswerCodec)
      })
      if ('error' in ticket) return log.debug({ peer, reason: ticket.error }, 'a lane was refused')
      const lane = await dialLane(end, ticket, { patience: this.#patience, signal: this.#stop.signal })
      log.debug({ peer }, 'a lane was opened')
      session.useLane(lane, pause)
    } catch (thrown) {
      // The ticket of a session that was replaced is taken back.
      if (!session.closed) pause()
      log.debug({ peer, reason: messageOf(thrown) }, 'no lane could be opened: chunks stay on the stream')
    }
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const { admission, guests, log } = this.#components
    const peer = connection.remotePeer
    try {
      await withChannel(stream, this.#stop.signal, async channel => {
        const { closure, aes } = await channel.receive(laneRequestCodec)
        const holder = await this.#sessionOf(`${peer} ${toHex(closure)}`)
        const from = endOf(connection)
        if (holder === undefined || from === undefined || admission.member(peer) === undefined) {
          return await channel.send(laneAnswerCodec, { error: 'no-session' })
        }
        if (holder.session.hasLane) return await channel.send(laneAnswerCodec, { error: 'busy' })
        await this.#door.open()
        const cipher = aes && (await hasAes()) ? 'TLS_AES_128_GCM_SHA256' : 'TLS_CHACHA20_POLY1305_SHA256'
        await channel.send(laneAnswerCodec, this.#tickets.issue(holder, cipher, guests.expect(from.ip)))
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

let aes: Promise<boolean> | undefined

/** Whether the processor has instructions for AES; without them, ChaCha20 is several times as fast. */
function hasAes(): Promise<boolean> {
  aes ??= readFile('/proc/cpuinfo', 'latin1').then(
    text => /^(?:flags|Features)\s*:.*\baes\b/m.test(text),
    () => false,
  )
  return aes
}
