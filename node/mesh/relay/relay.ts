/** The relay that a hub is: it splices streams of members that are connected to it, and reads nothing of them. */

import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { messageOf } from '../../../protocol/errors.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import {
  type RelayAnswer,
  relayAnswerCodec,
  relayedRequestCodec,
  relayRequestCodec,
} from '../../../protocol/messages/relay.ts'
import { ByteRate } from '../../concurrency/byte-rate.ts'
import { FairPlaces } from '../../concurrency/fair-places.ts'
import { SubjectBudgets } from '../../concurrency/subject-budgets.ts'
import type { Logger } from '../../process/log.ts'
import {
  dialTimeoutMs,
  idleSpliceMs,
  scoredPeers,
  spliceRate,
  spliceReadAheadBytes,
  splices,
  splicesPerPeer,
  spliceTurnMs,
} from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import { Channel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { directTo } from '../transport/open-stream.ts'
import { isRelayed } from '../transport/way.ts'
import { endOf } from './ends.ts'
import { splice } from './splice.ts'

export interface RelayLimits {
  readonly splices: number
  readonly perPeer: number
}

export interface RelayComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'member' | 'subjectOf'>
  log: Logger
  /** Whether this peer serves as a relay now: its certificate may change. */
  serves: () => boolean
  /** Bytes per second of all splices; unlimited if absent. */
  bytesPerSecond?: number | undefined
  limits?: RelayLimits
}

export class Relay {
  readonly #components: RelayComponents
  readonly #places: FairPlaces
  readonly #rate: ByteRate
  /** Asking in vain costs this relay a stream each time. */
  readonly #budgets = new SubjectBudgets({ peer: spliceRate, group: spliceRate, subjects: scoredPeers })
  readonly #stop = new AbortController()
  /** Bytes that were passed on since the start. */
  bytes = 0

  constructor(components: RelayComponents) {
    this.#components = components
    const { splices: places, perPeer } = components.limits ?? { splices, perPeer: splicesPerPeer }
    this.#places = new FairPlaces({ places, perPeer, idleMs: idleSpliceMs, turnMs: spliceTurnMs })
    this.#rate = new ByteRate(components.bytesPerSecond)
  }

  /** Splices that are open. */
  get open(): number {
    return this.#places.taken
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.relay)
    const bounds = { maxInboundStreams: splicesPerPeer, maxOutboundStreams: splicesPerPeer }
    await host.handle(names.relay, (stream, connection) => this.#serve(stream, connection), bounds)
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#components.names.relay)
  }

  /** Never rejects. */
  async #serve(stream: Stream, connection: Connection): Promise<void> {
    const { log } = this.#components
    const from = connection.remotePeer
    const channel = new Channel(stream, this.#stop.signal, spliceReadAheadBytes)
    try {
      const { to } = await channel.receive(relayRequestCodec)
      const refused = await this.#connect(channel, connection, peerIdFromString(to))
      if (refused === undefined) return
      await channel.send(relayAnswerCodec, { error: refused })
      await channel.close()
    } catch (thrown) {
      log.debug({ peer: from.toString(), reason: messageOf(thrown) }, 'a relayed stream ended')
      channel.abort(thrown)
    }
  }

  /** Splices, and resolves when that has ended; or resolves to why it isn't done. */
  async #connect(channel: Channel, connection: Connection, to: PeerId): Promise<Refused | undefined> {
    const { host, names, admission, serves } = this.#components
    const from = connection.remotePeer
    const subject = admission.subjectOf(from)
    // Who came through a relay itself must not come through another one: such chains have no end.
    if (!serves() || admission.member(from) === undefined || isRelayed(connection)) return 'refused'
    if (!this.#budgets.take(subject)) return 'busy'
    const there = to.equals(from) || admission.member(to) === undefined ? undefined : directTo(host, to)
    if (there === undefined) return 'not-connected'
    const ended = new AbortController()
    const signal = AbortSignal.any([this.#stop.signal, ended.signal])
    const takeBack = () => ended.abort(new Error('another peer needs the place'))
    const place = this.#places.enter(subject, takeBack)
    if (place === undefined) return 'busy'
    try {
      const far = await this.#open(there, names.relayed, signal)
      if (far === undefined) return 'unsupported'
      try {
        const seen = endOf(connection)?.ip
        await far.send(relayedRequestCodec, { from: from.toString(), ...(seen && { ip: seen }) })
        const answer = await far.receive(relayAnswerCodec)
        if ('error' in answer) {
          far.abort(new Error(answer.error))
          return answer.error
        }
        const ip = endOf(there)?.ip
        await channel.send(relayAnswerCodec, { ok: true, ...(ip && { ip }) })
      } catch (thrown) {
        far.abort(thrown)
        throw thrown
      }
      const passed = (bytes: number) => {
        place.touch()
        this.bytes += bytes
      }
      await splice(channel, far, { rate: this.#rate, passed, signal })
      return undefined
    } finally {
      place.leave()
    }
  }

  async #open(there: Connection, protocol: string, stop: AbortSignal): Promise<Channel | undefined> {
    try {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(dialTimeoutMs)])
      const stream = await there.newStream(protocol, { signal, maxOutboundStreams: splicesPerPeer })
      return new Channel(stream, stop, spliceReadAheadBytes)
    } catch (thrown) {
      this.#components.log.debug({ peer: `${there.remotePeer}`, reason: messageOf(thrown) }, 'no relayed stream there')
      return undefined
    }
  }
}

type Refused = Extract<RelayAnswer, { error: string }>['error']
