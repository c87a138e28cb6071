/**
 * Lets connections of another kind in at the mesh's own port: TLS of peers that were invited a moment ago. So a bulk lane
 * goes where the mesh's connection went, through the same firewall and NAT.
 */

import type { Server, Socket } from 'node:net'
import { guestLookMs, guestsWaiting } from '../limits.ts'
import { plainIp } from './plain-ip.ts'

/** The first byte of a TLS handshake; libp2p begins with the length of a protocol's name. */
const tlsHandshake = 0x16

export class PortGuests {
  /** How many guests are expected from an IP address. */
  readonly #expected = new Map<string, number>()
  readonly #looking = new Set<Socket>()
  #host: ((socket: Socket) => void) | undefined

  /** Takes the guests from now on; until then there are none. */
  receive(host: ((socket: Socket) => void) | undefined): void {
    this.#host = host
    if (host === undefined) for (const socket of this.#looking) socket.destroy()
  }

  /** Expects a guest from this address until the returned function is called. */
  expect(ip: string): () => void {
    const from = plainIp(ip)
    this.#expected.set(from, (this.#expected.get(from) ?? 0) + 1)
    let done = false
    return () => {
      if (done) return
      done = true
      const left = (this.#expected.get(from) ?? 1) - 1
      if (left > 0) this.#expected.set(from, left)
      else this.#expected.delete(from)
    }
  }

  /** Watches a server whose connections are libp2p's: those from elsewhere go to libp2p untouched. */
  watch(server: Server): void {
    const usual = server.listeners('connection') as ((socket: Socket) => void)[]
    server.removeAllListeners('connection')
    server.on('connection', socket => {
      const toMesh = () => {
        // libp2p throws at what comes after its end.
        if (!server.listening) return void socket.destroy()
        for (const listener of usual) listener.call(server, socket)
      }
      const isExpected = this.#expected.has(plainIp(socket.remoteAddress ?? ''))
      if (this.#host === undefined || !isExpected || this.#looking.size >= guestsWaiting) toMesh()
      else this.#look(socket, toMesh)
    })
  }

  /** Reads the first byte, puts it back, and passes the socket on. */
  #look(socket: Socket, toMesh: () => void): void {
    this.#looking.add(socket)
    const timer = setTimeout(() => socket.destroy(), guestLookMs)
    const done = () => {
      clearTimeout(timer)
      this.#looking.delete(socket)
      socket.off('readable', look).off('error', ignore).off('close', done)
    }
    const look = () => {
      const first: Buffer | null = socket.read(1)
      if (first === null) return
      socket.unshift(first)
      done()
      const host = this.#host
      if (first[0] === tlsHandshake && host !== undefined) return host(socket)
      // Only in a later tick does the socket forget that it was read in this way.
      socket.once('error', ignore)
      setImmediate(() => {
        socket.off('error', ignore)
        if (!socket.destroyed) toMesh()
      })
    }
    // A socket that fails is closed, which is all there is to do.
    const ignore = () => {}
    socket.on('readable', look).on('error', ignore).on('close', done)
  }
}
