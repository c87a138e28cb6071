/**
 * TCP that dials hubs from one local port, which a NAT then maps for all of them alike: what they see of it is where
 * another peer can meet this one. Nothing listens on that port, as Linux would then refuse to dial from it.
 */

import { connect, type Server, type Socket } from 'node:net'
import type { Connection, DialTransportOptions, Transport, Upgrader } from '@libp2p/interface'
import { type TCPOptions, tcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ThymeshError } from '../../../protocol/errors.ts'
import type { TcpEnd } from '../../../protocol/messages/relay.ts'
import { firstOwnPort, ownPorts } from '../limits.ts'
import { PortGuests } from './port-guests.ts'

type Components = Parameters<ReturnType<typeof tcp>>[0]

/** libp2p's TCP, with the part of it that makes the socket. */
interface TcpTransport extends Transport {
  _connect(address: Multiaddr, options: object): Promise<Socket>
}

class OwnPortError extends ThymeshError<'port-taken'> {}

export class OwnPort {
  /** Connections of another kind at the ports on which this peer listens. */
  readonly guests = new PortGuests()
  readonly #options: TCPOptions
  readonly #isHub: (peer: string) => boolean
  readonly #from = new WeakMap<Connection, number>()
  /** Addresses that are only looked at, and what is called with the peer that proves to be there. */
  readonly #probes = new WeakMap<Multiaddr, (peer: string) => void>()
  #transport: TcpTransport | undefined
  #upgrader: Upgrader | undefined
  #port = randomPort()

  constructor(options: TCPOptions, isHub: (peer: string) => boolean) {
    this.#options = options
    this.#isHub = isHub
  }

  /** As libp2p's configuration takes it. */
  readonly factory = (components: Components): Transport => {
    const transport = tcp(this.#options)(components) as TcpTransport
    this.#transport = transport
    this.#upgrader = (components as unknown as { upgrader: Upgrader }).upgrader
    const { createListener, dial } = transport
    transport.createListener = options => {
      const listener = createListener.call(transport, options)
      this.guests.watch((listener as unknown as { server: Server }).server)
      return listener
    }
    transport.dial = async (address, options) => {
      const peer = address.getComponents().findLast(({ name }) => name === 'p2p')?.value
      if (peer === undefined || !this.#isHub(peer)) return await dial.call(transport, address, options)
      return await this.#dialFrom(address, options, dial)
    }
    return transport
  }

  /** The port. It changes when it can't be used. */
  get port(): number {
    return this.#port
  }

  /** Whether a connection leaves from this port. */
  isFrom(connection: Connection): boolean {
    return this.#from.get(connection) === this.#port
  }

  /**
   * Connects to an end from this port until it succeeds, or the signal aborts: the other side does the same. A try ends
   * after `tryMs`, so that the next packet comes soon.
   */
  async meet({ ip, port }: TcpEnd, tryMs: number, signal: AbortSignal): Promise<Socket> {
    for (;;) {
      signal.throwIfAborted()
      const tried = await this.#try({ host: ip, port, localPort: this.#port }, tryMs, signal)
      if (tried === 'port-taken') throw this.#portTaken()
      if (tried !== undefined) return tried
    }
  }

  /** Connects to an end where another peer listens, from any port. Resolves to nothing if none answers in time. */
  async reach(end: TcpEnd, tryMs: number, signal: AbortSignal): Promise<Socket | undefined> {
    const reached = await this.#try({ host: end.ip, port: end.port }, tryMs, signal)
    return reached === 'port-taken' ? undefined : reached
  }

  /** Makes a connection of a socket that both sides have opened, or this one. The initiator is the one that Noise and libp2p call so. */
  async upgrade(
    socket: Socket,
    address: Multiaddr,
    { initiator, signal }: { initiator: boolean; signal: AbortSignal },
  ): Promise<Connection> {
    const [transport, upgrader] = [this.#transport, this.#upgrader]
    if (transport === undefined || upgrader === undefined) throw new TypeError('the host is not there yet')
    const over = Object.create(transport, { _connect: { value: async () => socket } }) as TcpTransport
    const { dial } = Object.getPrototypeOf(transport) as TcpTransport
    const upgradeOutbound: Upgrader['upgradeOutbound'] = async (connection, options) => {
      // Yamux numbers its streams by it.
      if (!initiator) connection.direction = 'inbound'
      return await upgrader.upgradeOutbound(connection, { ...options, initiator })
    }
    const options = { upgrader: { ...upgrader, upgradeOutbound }, signal } as DialTransportOptions
    return await dial.call(over, address, options)
  }

  /** Which peer answers at an address: Noise proves it, and no connection comes of it. Rejects if none does. */
  async probe(address: Multiaddr, signal: AbortSignal): Promise<string> {
    const [transport, upgrader] = [this.#transport, this.#upgrader]
    if (transport === undefined || upgrader === undefined) throw new TypeError('the host is not there yet')
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#probes.set(address, resolve)
    const { dial } = Object.getPrototypeOf(transport) as TcpTransport
    dial
      .call(transport, address, { upgrader, signal } as DialTransportOptions)
      .then(connection => connection.abort(new Error('expected a probe to make no connection')), reject)
    return await promise
  }

  /** Whether an outbound connection is a probe, which ends here; for libp2p's gater. */
  endsProbe(address: Multiaddr, peer: string): boolean {
    const found = this.#probes.get(address)
    found?.(peer)
    return found !== undefined
  }

  async #dialFrom(address: Multiaddr, options: DialTransportOptions, dial: Transport['dial']): Promise<Connection> {
    const localPort = this.#port
    try {
      const connection = await dial.call(this.#transport, address, { ...options, localPort } as DialTransportOptions)
      this.#from.set(connection, localPort)
      return connection
    } catch (thrown) {
      if (!isTaken(thrown)) throw thrown
      this.#portTaken()
      return await dial.call(this.#transport, address, options)
    }
  }

  /** The last connection from here to there has ended, and Linux keeps the pair of ports for a minute. */
  #portTaken(): OwnPortError {
    this.#port = randomPort()
    return new OwnPortError('port-taken', 'the own port could not be used: the next try is from another one')
  }

  #try(
    end: { host: string; port: number; localPort?: number },
    tryMs: number,
    signal: AbortSignal,
  ): Promise<Socket | 'port-taken' | undefined> {
    return new Promise(resolve => {
      if (signal.aborted) return resolve(undefined)
      // NATs forget a connection that nothing keeps, however it was made.
      const options = { ...this.#options.dialOpts, noDelay: true, autoSelectFamily: false }
      const socket = connect({ ...options, ...end })
      const stop = (result: Socket | 'port-taken' | undefined) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        socket.removeListener('error', refused)
        if (result !== socket) socket.destroy()
        resolve(result)
      }
      const abort = () => stop(undefined)
      let again: NodeJS.Timeout | undefined
      const timer = setTimeout(abort, tryMs)
      // A router that refuses the first packet does so at once: the next try waits for its time all the same.
      const refused = (error: Error) => {
        clearTimeout(timer)
        if (isTaken(error)) return stop('port-taken')
        again = setTimeout(abort, Math.min(tryMs, 50))
      }
      socket.once('connect', () => {
        clearTimeout(again)
        stop(socket)
      })
      socket.on('error', refused)
      signal.addEventListener('abort', abort)
    })
  }
}

function isTaken(thrown: unknown): boolean {
  return /EADDRINUSE|EADDRNOTAVAIL/.test(String(thrown instanceof Error ? thrown.message : thrown))
}

/** Below the ports that Linux gives to others, so that no other program has it by chance. */
function randomPort(): number {
  return firstOwnPort + Math.floor(Math.random() * ownPorts)
}
