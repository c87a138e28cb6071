/** A Unix socket for ssh: each of its connections becomes a session of SSH on one device. */

import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { listenAt } from '../../node/files/unix-socket.ts'
import { joinStreams } from './join-streams.ts'

/** A device ends a session in which nobody has logged in after 20 seconds: what was opened ahead is of use for less. */
const freshMs = 10_000

/** Whether there is room for a connection to a door; who admits it counts it until it closes. */
export type Admits = (socket: Socket) => boolean

export class SshDoor {
  readonly #openStream: () => Promise<Duplex>
  readonly #server: Server
  readonly #open = new Set<Socket>()
  #ready: { readonly stream: Duplex; readonly opened: number } | undefined
  #refusal: unknown

  private constructor(openStream: () => Promise<Duplex>, admits: Admits) {
    this.#openStream = openStream
    this.#server = createServer({ allowHalfOpen: true }, socket => {
      if (admits(socket)) void this.#answer(socket)
      else socket.destroy()
    })
  }

  /** Listens at `file`, for this user. `openStream` opens a session of SSH, the bytes of SSH itself. */
  static async at(file: string, openStream: () => Promise<Duplex>, admits: Admits = () => true): Promise<SshDoor> {
    const door = new SshDoor(openStream, admits)
    await listenAt(door.#server, file)
    return door
  }

  /** The same with the first connection's stream opened ahead. Nothing is listened at where that is refused. */
  static async opened(file: string, openStream: () => Promise<Duplex>, admits: Admits): Promise<SshDoor> {
    const stream = await openStream()
    stream.on('error', () => {})
    try {
      const door = await SshDoor.at(file, openStream, admits)
      door.#ready = { stream, opened: performance.now() }
      return door
    } catch (thrown) {
      stream.destroy()
      throw thrown
    }
  }

  /** What kept the last connection from being opened. */
  get refusal(): unknown {
    return this.#refusal
  }

  /** Opens the stream of the first connection before ssh comes: its refusal is then ours to tell. */
  async openAhead(): Promise<void> {
    const stream = await this.#openStream()
    stream.on('error', () => {})
    this.#ready = { stream, opened: performance.now() }
  }

  /** Ends its connections too: an ssh whose command was killed has nobody any more. */
  stop(): void {
    this.#ready?.stream.destroy()
    this.#server.close()
    for (const socket of this.#open) socket.destroy()
  }

  async #answer(socket: Socket): Promise<void> {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket)).on('error', () => {})
    const first = this.#ready
    this.#ready = undefined
    const isFresh = first !== undefined && !first.stream.destroyed && performance.now() - first.opened < freshMs
    if (!isFresh) first?.stream.destroy()
    try {
      const stream = isFresh ? first.stream : await this.#openStream()
      if (socket.destroyed) stream.destroy()
      else joinStreams(socket, stream)
    } catch (thrown) {
      this.#refusal = thrown
      socket.destroy()
    }
  }
}
