/** Members that are reached through hubs: looks for them there, and takes in those that come. */

import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { messageOf } from '../../../protocol/errors.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import { relayAnswerCodec, relayedRequestCodec } from '../../../protocol/messages/relay.ts'
import { untilAborted } from '../../concurrency/abort-race.ts'
import type { Logger } from '../../process/log.ts'
import { askedHubs, nextHubMs, splicesPerPeer } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import { Channel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { connectionTo } from '../transport/open-stream.ts'
import type { RelayedTransport } from '../transport/relayed-transport.ts'
import { isRelayed } from '../transport/way.ts'
import type { HubKeeper } from './hub-keeper.ts'
import { hubsInOrder } from './hub-order.ts'

export interface RelayedPeersComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'member'>
  transport: RelayedTransport
  keeper: Pick<HubKeeper, 'dial' | 'isConnected'>
  hubs: () => readonly string[]
  log: Logger
}

interface Dialling {
  readonly given: AbortController
  readonly ended: Promise<Connection | undefined>
  /** How many wait for it. */
  waiting: number
}

export class RelayedPeers {
  readonly #components: RelayedPeersComponents
  readonly #dialling = new Map<string, Dialling>()
  readonly #stop = new AbortController()

  constructor(components: RelayedPeersComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.relayed)
    await host.handle(names.relayed, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: splicesPerPeer,
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#components.names.relayed)
  }

  /**
   * Connects to a member through the first hub that it is connected to; undefined if there is none, or when the signal aborts.
   * Joins a dial that is under way, which goes on for as long as anybody waits for it. Never rejects.
   */
  async dial(peer: string, signal: AbortSignal): Promise<Connection | undefined> {
    if (signal.aborted) return undefined
    const dialling = this.#dialling.get(peer) ?? this.#begin(peer)
    dialling.waiting += 1
    try {
      return await untilAborted(dialling.ended, signal)
    } catch {
      return undefined
    } finally {
      dialling.waiting -= 1
      if (dialling.waiting === 0 && this.#forget(peer, dialling)) dialling.given.abort(new Error('nobody waits for it'))
    }
  }

  #begin(peer: string): Dialling {
    const given = new AbortController()
    const ended = this.#dial(peer, given.signal).finally(() => this.#forget(peer, dialling))
    const dialling: Dialling = { given, ended, waiting: 0 }
    this.#dialling.set(peer, dialling)
    return dialling
  }

  /** Whether it was under way: one that has ended must not be aborted, nor one that has been given up be joined. */
  #forget(peer: string, dialling: Dialling): boolean {
    return this.#dialling.get(peer) === dialling && this.#dialling.delete(peer)
  }

  async #dial(peer: string, signal: AbortSignal): Promise<Connection | undefined> {
    const { host, keeper, hubs, transport, log } = this.#components
    const id = peerIdFromString(peer)
    const order = hubsInOrder(peer, hubs()).filter(hub => hub !== host.peerId.toString())
    const isHere = (hub: string) => keeper.isConnected(hub)
    const asked = [...order.filter(isHere), ...order.filter(hub => !isHere(hub))].slice(0, askedHubs)
    for (const [at, hub] of asked.entries()) {
      const known = connectionTo(host, id)
      if (known !== undefined) return known
      if (signal.aborted) return undefined
      try {
        if (!(await keeper.dial(hub))) continue
        const hasNext = asked.slice(at + 1).some(isHere)
        const limit = hasNext ? AbortSignal.any([signal, AbortSignal.timeout(nextHubMs)]) : signal
        return await transport.connect(hub, peer, limit)
      } catch (thrown) {
        log.debug({ peer, hub, reason: messageOf(thrown) }, 'a peer was not reached by this hub')
      }
    }
    return undefined
  }

  /** Never rejects. */
  async #accept(stream: Stream, connection: Connection): Promise<void> {
    const channel = new Channel(stream, this.#stop.signal)
    const hub = connection.remotePeer
    try {
      const { from, ip } = await channel.receive(relayedRequestCodec)
      if (!this.#isHub(hub, connection) || from === this.#components.host.peerId.toString()) {
        await channel.send(relayAnswerCodec, { error: 'refused' })
        return await channel.close()
      }
      await channel.send(relayAnswerCodec, { ok: true })
      await this.#components.transport.accept(channel, { hub: hub.toString(), from, ip })
    } catch (thrown) {
      this.#components.log.debug({ hub: hub.toString(), reason: messageOf(thrown) }, 'a relayed peer was not taken in')
      channel.abort(thrown)
    }
  }

  #isHub(hub: PeerId, connection: Connection): boolean {
    const { admission, hubs } = this.#components
    return !isRelayed(connection) && admission.member(hub) !== undefined && hubs().includes(hub.toString())
  }
}
