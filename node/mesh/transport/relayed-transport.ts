/**
 * A transport through hubs: a stream by way of a member that both sides are connected to, with Noise end to end inside. The
 * connection to the hub is all that it needs; libp2p's own relay wants reservations, which get lost (docs/decisions.md).
 */

import {
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Listener,
  type Logger,
  type PeerId,
  type Stream,
  type Transport,
  transportSymbol,
  type Upgrader,
} from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import { ThymeshError } from '../../../protocol/errors.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import { relayAnswerCodec, relayRequestCodec } from '../../../protocol/messages/relay.ts'
import { relayedUpgradeMs } from '../limits.ts'
import { Channel } from './channel.ts'
import type { StreamReader } from './stream-io.ts'
import { isRelayed, relayedAddress, relayedParts } from './way.ts'

export class RelayedError extends ThymeshError<'not-connected' | 'unsupported' | 'busy' | 'refused'> {}

interface Components {
  readonly upgrader: Upgrader
  readonly connectionManager: { getConnections(peer: PeerId): Connection[] }
}

export class RelayedTransport implements Transport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = 'thymesh-relayed'
  readonly #names: Pick<ProtocolNames, 'relay'>
  /** Where hubs see the other ends of connections. */
  readonly #seenAt = new WeakMap<Connection, string>()
  #components: Components | undefined

  constructor(names: Pick<ProtocolNames, 'relay'>) {
    this.#names = names
  }

  /** As libp2p's configuration takes it. */
  readonly factory = (components: Components): this => {
    this.#components = components
    return this
  }

  /** Asks the hub of the address, which must be connected directly. Throws a RelayedError. */
  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const { hub, peer } = relayedParts(address) ?? {}
    if (hub === undefined || peer === undefined) throw new TypeError(`expected a relayed address, got ${address}`)
    const open = this.#components?.connectionManager.getConnections(peerIdFromString(hub)) ?? []
    const via = open.find(each => each.status === 'open' && !isRelayed(each))
    if (via === undefined) throw new RelayedError('not-connected', `the hub ${hub} isn't connected`)
    const stream = await via.newStream(this.#names.relay, { signal: options.signal })
    const channel = new Channel(stream, options.signal)
    try {
      await channel.send(relayRequestCodec, { to: peer })
      const answer = await channel.receive(relayAnswerCodec)
      if ('error' in answer) throw new RelayedError(answer.error, `the hub ${hub} answered ${answer.error} for ${peer}`)
      const connection = await options.upgrader.upgradeOutbound(connectionOver(channel, address, 'outbound'), options)
      if (answer.ip !== undefined) this.#seenAt.set(connection, answer.ip)
      return connection
    } catch (thrown) {
      channel.abort(thrown)
      throw thrown
    }
  }

  /** The same beside libp2p's queue, in which it would wait for direct dials to that peer. */
  async connect(hub: string, peer: string, signal: AbortSignal): Promise<Connection> {
    const { upgrader } = this.#components ?? {}
    if (upgrader === undefined) throw new TypeError('the host is not there yet')
    return await this.dial(relayedAddress(hub, peer), { upgrader, signal } as DialTransportOptions)
  }

  /** Makes an inbound connection of a stream that a hub has spliced. `from` is what the hub says; Noise proves it. */
  async accept(
    channel: Channel,
    { hub, from, ip }: { hub: string; from: string; ip: string | undefined },
  ): Promise<void> {
    const address = relayedAddress(hub, from)
    const { upgrader, connectionManager } = this.#components ?? {}
    if (upgrader === undefined || connectionManager === undefined) throw new TypeError('the host is not there yet')
    await upgrader.upgradeInbound(connectionOver(channel, address, 'inbound'), {
      signal: AbortSignal.timeout(relayedUpgradeMs),
    })
    if (ip === undefined) return
    for (const each of connectionManager.getConnections(peerIdFromString(from))) {
      if (each.remoteAddr.equals(address) && !this.#seenAt.has(each)) this.#seenAt.set(each, ip)
    }
  }

  /** The IP address at which the hub of a relayed connection sees the other side. */
  seenAt(connection: Connection): string | undefined {
    return this.#seenAt.get(connection)
  }

  /** Nobody listens: who is connected to a hub can be reached through it. */
  createListener(_: CreateListenerOptions): Listener {
    throw new TypeError('relayed connections need no listener')
  }

  listenFilter(): Multiaddr[] {
    return []
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(address => relayedParts(address) !== undefined)
  }
}

function connectionOver(channel: Channel, remoteAddr: Multiaddr, direction: 'inbound' | 'outbound'): RelayedConnection {
  const { stream, reader } = channel
  return new RelayedConnection(stream, reader, { remoteAddr, direction, log: stream.log.newScope('relayed') })
}

interface ConnectionInit {
  readonly remoteAddr: Multiaddr
  readonly direction: 'inbound' | 'outbound'
  readonly log: Logger
}

/** A spliced stream as libp2p's upgrader takes connections. */
class RelayedConnection extends AbstractMultiaddrConnection {
  readonly #stream: Stream
  bytesRead = 0
  bytesWritten = 0
  #resumed: PromiseWithResolvers<void> | undefined

  constructor(stream: Stream, reader: StreamReader, init: ConnectionInit) {
    super(init)
    this.#stream = stream
    stream.addEventListener('drain', () => this.safeDispatchEvent('drain'))
    stream.addEventListener('close', ({ error }) => this.onTransportClosed(error))
    void this.#read(reader)
  }

  override sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const sentBytes = data.byteLength
    this.bytesWritten += sentBytes
    return { sentBytes, canSendMore: this.#stream.send(data) }
  }

  override async sendClose(options?: { signal?: AbortSignal }): Promise<void> {
    await this.#stream.close(options)
  }

  override sendReset(error: Error): void {
    this.#stream.abort(error)
  }

  override sendPause(): void {
    this.#resumed ??= Promise.withResolvers()
  }

  override sendResume(): void {
    this.#resumed?.resolve()
    this.#resumed = undefined
  }

  /** Never rejects. The reader holds back the hub while we are paused. */
  async #read(reader: StreamReader): Promise<void> {
    try {
      for (;;) {
        const bytes = await reader.next()
        if (bytes === undefined) break
        await this.#resumed?.promise
        if (this.status !== 'open') break
        this.bytesRead += bytes.length
        this.onData(bytes)
      }
      // Like a socket's, one end ends both.
      await this.#stream.close()
      this.onTransportClosed()
    } catch (thrown) {
      this.onTransportClosed(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }
}
