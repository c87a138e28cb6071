/** A port or a socket of this machine whose connections go on from a device to one target there. */

import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { receiveMessage, sendMessage } from '../../node/access/duplex-messages.ts'
import { accepted } from '../../node/access/open-access.ts'
import { listenAt } from '../../node/files/unix-socket.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { accessVerdictCodec, forwardHelloCodec } from '../../protocol/messages/access.ts'
import type { StreamOptions } from './device-streams.ts'
import { joinStreams } from './join-streams.ts'
import type { Admits } from './ssh-door.ts'

/** How long a device may take to answer, beside the time to reach it. */
const connectMs = 15_000

export interface ForwardDoorInit {
  /** Opens a stream for forwarding to a device. */
  readonly openStream: (options: StreamOptions) => Promise<Duplex>
  readonly device: string
  readonly ticket: Uint8Array
  /** What the device connects to. */
  readonly to: string
  /** As whom, for what the device refuses with. */
  readonly user: string
  /** Seconds to try to reach the device. */
  readonly wait: number
  /** What may be listened at, the best first: paths, or `ADDRESS:PORT`. */
  readonly places: readonly string[]
  /** By default all connections are. */
  readonly admits?: Admits
  /** Whether a connection has been made before: then none is tried at first. */
  readonly isProved?: boolean
  /** A connection was not made. */
  readonly onRefused: (thrown: unknown) => void
}

export class ForwardDoor {
  readonly #init: ForwardDoorInit
  readonly #server: Server
  readonly #open = new Set<Socket>()
  #at = ''

  private constructor(init: ForwardDoorInit) {
    this.#init = init
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      if (init.admits?.(socket) === false) socket.destroy()
      else void this.#answer(socket)
    })
  }

  /** Makes a first connection, whose refusal it throws: it is told at once, not by the first page that stays empty. */
  static async open(init: ForwardDoorInit): Promise<ForwardDoor> {
    const door = new ForwardDoor(init)
    if (init.isProved !== true) (await door.#connection()).destroy()
    door.#at = await listen(door.#server, init.places)
    return door
  }

  /** Where it listens: a path, or `ADDRESS:PORT`. */
  get at(): string {
    return this.#at
  }

  /** Ends its connections too. */
  stop(): void {
    this.#server.close()
    for (const socket of this.#open) socket.destroy()
  }

  async #answer(socket: Socket): Promise<void> {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket)).on('error', () => {})
    try {
      const stream = await this.#connection()
      if (socket.destroyed) stream.destroy()
      else joinStreams(socket, stream)
    } catch (thrown) {
      this.#init.onRefused(thrown)
      socket.destroy()
    }
  }

  async #connection(): Promise<Duplex> {
    const { openStream, device, ticket, to, wait, user } = this.#init
    const stream = await openStream({ device, wait })
    stream.on('error', () => {})
    try {
      sendMessage(stream, forwardHelloCodec, { v: 1, ticket, to })
      accepted(await receiveMessage(stream, accessVerdictCodec, AbortSignal.timeout(connectMs)), user)
      return stream
    } catch (thrown) {
      stream.destroy()
      throw thrown
    }
  }
}

/** Listens at the first place that is this user's to take. Throws a HintedError. */
async function listen(server: Server, places: readonly string[]): Promise<string> {
  for (const [index, place] of places.entries()) {
    if (place.startsWith('/')) {
      await listenAt(server, place)
      return place
    }
    const colon = place.lastIndexOf(':')
    const host = place.slice(0, colon)
    const port = Number(place.slice(colon + 1))
    try {
      await listening(server, host, port)
      const bound = server.address()
      return `${host}:${typeof bound === 'object' && bound !== null ? bound.port : port}`
    } catch (thrown) {
      if (index < places.length - 1 && thrown instanceof Error && 'code' in thrown && thrown.code === 'EACCES') continue
      throw new HintedError('port-unavailable', `${place} can't be listened on: ${messageOf(thrown)}`, {
        hint: 'Choose another port of this machine with --local PORT.',
        cause: thrown,
      })
    }
  }
  throw new RangeError('expected a place to listen at')
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      done()
    })
  })
}
