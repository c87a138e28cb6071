/** Tells members where they are seen from, and whether they can be dialled there; and asks others for the same. */

import type { Connection, Stream } from '@libp2p/interface'
import { messageOf } from '../../../protocol/errors.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import { type ReachAnswer, reachAnswerCodec, reachRequestCodec, type TcpEnd } from '../../../protocol/messages/relay.ts'
import { SubjectBudgets } from '../../concurrency/subject-budgets.ts'
import type { Logger } from '../../process/log.ts'
import { dialTimeoutMs, idleReachMs, reachDialMs, reachRate, scoredPeers, seenRate } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import { Channel, ChannelError, withChannel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import type { OwnPort } from '../transport/own-port.ts'
import { addressOf, endOf } from './ends.ts'

export interface ReachComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'member' | 'subjectOf'>
  ownPort: Pick<OwnPort, 'probe'>
  log: Logger
}

export interface ReachLine {
  readonly isOpen: () => boolean
  /** Resolves to the round trip in milliseconds. Rejects when no answer comes in time. */
  readonly ask: (timeoutMs: number) => Promise<number>
  readonly end: (error: unknown) => void
}

export class Reach {
  readonly #components: ReachComponents
  readonly #asked = new SubjectBudgets({ peer: seenRate, group: seenRate, subjects: scoredPeers })
  readonly #dialled = new SubjectBudgets({ peer: reachRate, group: reachRate, subjects: scoredPeers })
  readonly #stop = new AbortController()

  constructor(components: ReachComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.reach)
    await host.handle(names.reach, (stream, connection) => this.#answer(stream, connection), { maxInboundStreams: 4 })
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#components.names.reach)
  }

  /** Asks the other side of a connection. Rejects if it doesn't answer, as one of an older version. */
  async ask(connection: Connection, dial?: number, signal?: AbortSignal): Promise<ReachAnswer> {
    const limit = AbortSignal.any([this.#stop.signal, signal ?? AbortSignal.timeout(dialTimeoutMs)])
    const stream = await connection.newStream(this.#components.names.reach, { signal: limit })
    return await withChannel(stream, limit, async channel => {
      await channel.send(reachRequestCodec, dial === undefined ? {} : { dial })
      return await channel.receive(reachAnswerCodec)
    })
  }

  /** A stream on which a connection is asked again and again whether its other side is there. Rejects as `ask` does. */
  async line(connection: Connection, signal: AbortSignal): Promise<ReachLine> {
    const stream = await connection.newStream(this.#components.names.reach, { signal })
    const channel = new Channel(stream, this.#stop.signal)
    return {
      isOpen: () => stream.status === 'open' && connection.status === 'open',
      ask: async timeoutMs => {
        const asked = performance.now()
        await channel.send(reachRequestCodec, {})
        await channel.receive(reachAnswerCodec, timeoutMs)
        return performance.now() - asked
      },
      end: error => channel.abort(error),
    }
  }

  /** Never rejects. */
  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const { log, admission } = this.#components
    const peer = connection.remotePeer
    try {
      const channel = new Channel(stream, this.#stop.signal)
      // The asking side ends it.
      for (;;) {
        const { dial } = await channel.receive(reachRequestCodec, idleReachMs)
        // A member of a hub is seen there, not here.
        const seen = endOf(connection)
        const isAllowed = admission.member(peer) !== undefined && this.#asked.take(admission.subjectOf(peer))
        const dialled = dial && isAllowed && seen && (await this.#dial(connection, { ...seen, port: dial }))
        const told = isAllowed && seen && { seen, clock: Date.now(), ...(dialled && { dialled }) }
        await channel.send(reachAnswerCodec, told || {})
        if (!isAllowed) return await channel.close()
      }
    } catch (thrown) {
      if (thrown instanceof ChannelError && thrown.code === 'ended') return await stream.close().catch(() => {})
      stream.abort(thrown instanceof Error ? thrown : new Error(String(thrown)))
      log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'a peer was not told where it is seen')
    }
  }

  /** Only at the address that the connection comes from: nobody makes us knock at another's door. */
  async #dial({ remotePeer }: Connection, end: TcpEnd): Promise<NonNullable<ReachAnswer['dialled']>> {
    const { admission, ownPort } = this.#components
    if (!this.#dialled.take(admission.subjectOf(remotePeer))) return 'later'
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(reachDialMs)])
    try {
      const found = await ownPort.probe(addressOf(end, remotePeer.toString()), signal)
      return found === remotePeer.toString() ? 'yes' : 'no'
    } catch {
      return 'no'
    }
  }
}
