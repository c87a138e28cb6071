/**
 * The TLS of bulk lanes: version 1.3 with the ticket's key as pre-shared key and an ephemeral X25519. Both sides prove that
 * they have the key, which only these two members know; there are no certificates, and nothing else is accepted.
 */

import type { Socket, TcpNetConnectOpts } from 'node:net'
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { type LaneTicket, laneCiphers } from '../../../protocol/messages/lane.ts'
import { laneDialMs, laneHandshakeMs, laneHandshakes, laneReadBytes } from '../limits.ts'
import type { FramePatience } from './frame-patience.ts'
import { Lane, LaneError } from './lane.ts'

const version = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const

/** Connects and proves the ticket in time. Rejects with a LaneError, or what the socket or TLS say. */
export async function dialLane(
  end: { ip: string; port: number },
  { name, key, cipher }: LaneTicket,
  { patience, signal }: { patience?: FramePatience | undefined; signal: AbortSignal },
): Promise<Lane> {
  // Loaded with the first lane: an idle peer has none.
  const tls = await import('node:tls')
  const lane = new Lane(patience)
  const buffer = Buffer.allocUnsafeSlow(laneReadBytes)
  const options: ConnectionOptions & Pick<TcpNetConnectOpts, 'onread'> = {
    ...version,
    host: end.ip,
    port: end.port,
    ciphers: cipher,
    pskCallback: () => ({ psk: key, identity: toHex(name) }),
    // Asked only about a certificate, which this side expects none of.
    ca: [],
    // Whatever the environment says.
    rejectUnauthorized: true,
    checkServerIdentity: () => new LaneError('ended', "expected the ticket's key, got a certificate"),
    onread: { buffer, callback: length => lane.take(buffer.subarray(0, length)) },
  }
  const socket = tls.connect(options)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new LaneError('timed-out', 'nobody answered in time')), laneDialMs)
  const aborted = () => reject(signal.reason)
  signal.addEventListener('abort', aborted)
  socket.once('secureConnect', resolve)
  socket.once('error', reject)
  socket.once('close', () => reject(new LaneError('ended', 'the other side closed the connection')))
  try {
    signal.throwIfAborted()
    await promise
    lane.run(socket)
    return lane
  } catch (thrown) {
    socket.on('error', () => {})
    socket.destroy()
    throw thrown
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
  }
}

/** Takes the ticket of this name out of use and returns its key. */
export type TakeTicket<T> = (name: string) => { key: Uint8Array; holder: T } | undefined

/** Answers handshakes on accepted sockets. `onLane` gets each lane with the holder of its ticket. */
export class LaneDoor<T> {
  readonly #take: TakeTicket<T>
  readonly #onLane: (lane: Lane, holder: T) => void
  readonly #patience: FramePatience | undefined
  readonly #handshakes: number
  readonly #open = new Set<Socket>()
  /** Those whose handshake may be under way. */
  readonly #shaking = new Set<Socket>()
  #server: Promise<(socket: Socket) => void> | undefined
  #stopped = false

  constructor(
    take: TakeTicket<T>,
    onLane: (lane: Lane, holder: T) => void,
    { patience, handshakes = laneHandshakes }: { patience?: FramePatience | undefined; handshakes?: number } = {},
  ) {
    this.#take = take
    this.#onLane = onLane
    this.#patience = patience
    this.#handshakes = handshakes
  }

  /** Loads TLS; call it before sockets come. */
  async open(): Promise<void> {
    this.#server ??= this.#makeServer()
    await this.#server
  }

  /** Takes a socket that begins with a TLS handshake. */
  readonly answer = (socket: Socket): void => {
    const isFull = this.#shaking.size >= this.#handshakes
    if (this.#server === undefined || this.#stopped || isFull) return void socket.destroy()
    for (const set of [this.#open, this.#shaking]) set.add(socket)
    const timer = setTimeout(() => this.#shaking.delete(socket), laneHandshakeMs)
    socket.once('close', () => {
      clearTimeout(timer)
      for (const set of [this.#open, this.#shaking]) set.delete(socket)
    })
    void this.#server.then(accept => socket.destroyed || accept(socket))
  }

  /** Ends all of its connections, also those of lanes. */
  stop(): void {
    this.#stopped = true
    for (const socket of this.#open) socket.destroy()
  }

  async #makeServer(): Promise<(socket: Socket) => void> {
    const tls = await import('node:tls')
    const holders = new WeakMap<TLSSocket, T>()
    const options: TlsOptions = {
      ...version,
      ciphers: laneCiphers.join(':'),
      handshakeTimeout: laneHandshakeMs,
      pskCallback: (socket, name) => {
        const ticket = this.#take(name)
        if (ticket === undefined) return null
        holders.set(socket, ticket.holder)
        return ticket.key
      },
    }
    const server = tls.createServer(options, socket => {
      const holder = holders.get(socket)
      // A resumed session of TLS would need no ticket.
      if (holder === undefined) return void socket.destroy()
      const lane = new Lane(this.#patience)
      socket.on('data', bytes => {
        if (!lane.take(bytes)) socket.pause()
      })
      lane.run(socket)
      this.#onLane(lane, holder)
    })
    server.on('tlsClientError', (_, socket) => socket.destroy())
    return socket => void server.emit('connection', socket)
  }
}
