/**
 * The TLS of bulk lanes: version 1.3 with the ticket's key as pre-shared key and an ephemeral X25519. Both sides prove that
 * they have the key, which only these two members know; there are no certificates, and nothing else is accepted.
 */

import type { Socket, TcpNetConnectOpts } from 'node:net'
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { type LaneTicket, laneCiphers } from '../../../protocol/messages/lane.ts'
import { laneDialMs, laneHandshakeMs, laneHandshakes } from './limits.ts'

const version = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const

/** `ended`: the lane is closed. `timed-out`: nobody answered, or the peer took or sent something too slowly. */
export class LaneError extends ThymeshError<'ended' | 'timed-out'> {}

export interface DialInit {
  readonly signal: AbortSignal
  /** Takes over the connection in the moment in which the handshake succeeds. */
  readonly onOpen: (socket: TLSSocket) => void
  /** Reads into this buffer instead of into new ones; `take` says whether it may go on. */
  readonly into?: { readonly buffer: Uint8Array; readonly take: (bytes: Uint8Array) => boolean }
}

/** Connects and proves the ticket in time. Rejects with a LaneError, or what the socket or TLS say. */
export async function dialLane(
  end: { ip: string; port: number },
  { name, key, cipher }: LaneTicket,
  { signal, onOpen, into }: DialInit,
): Promise<void> {
  // Loaded with the first lane: an idle peer has none.
  const tls = await import('node:tls')
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
    ...(into && {
      onread: { buffer: into.buffer, callback: (length: number) => into.take(into.buffer.subarray(0, length)) },
    }),
  }
  const socket = tls.connect(options)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new LaneError('timed-out', 'nobody answered in time')), laneDialMs)
  const aborted = () => reject(signal.reason)
  signal.addEventListener('abort', aborted)
  const closed = () => reject(new LaneError('ended', 'the other side closed the connection'))
  let isOver = false
  socket.once('secureConnect', () => {
    // It may come after the time is over, before the socket is gone.
    if (isOver) return
    onOpen(socket)
    resolve()
  })
  socket.once('error', reject)
  for (const event of ['close', 'end']) socket.once(event, closed)
  try {
    signal.throwIfAborted()
    await promise
  } catch (thrown) {
    isOver = true
    socket.on('error', () => {})
    socket.destroy()
    throw thrown
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
    socket.off('error', reject)
    for (const event of ['close', 'end']) socket.off(event, closed)
  }
}

/** Takes the ticket of this name out of use and returns its key. */
export type TakeTicket<T> = (name: string) => { key: Uint8Array; holder: T } | undefined

/** Answers handshakes on accepted sockets. `onLane` gets each connection with the holder of its ticket. */
export class LaneDoor<T> {
  readonly #take: TakeTicket<T>
  readonly #onLane: (socket: TLSSocket, holder: T) => void
  readonly #handshakes: number
  readonly #open = new Set<Socket>()
  /** Those whose handshake may be under way. */
  readonly #shaking = new Set<Socket>()
  #server: Promise<(socket: Socket) => void> | undefined
  #stopped = false

  constructor(
    take: TakeTicket<T>,
    onLane: (socket: TLSSocket, holder: T) => void,
    { handshakes = laneHandshakes }: { handshakes?: number } = {},
  ) {
    this.#take = take
    this.#onLane = onLane
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
      this.#onLane(socket, holder)
    })
    server.on('tlsClientError', (_, socket) => socket.destroy())
    return socket => void server.emit('connection', socket)
  }
}
