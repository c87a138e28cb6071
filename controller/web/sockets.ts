/**
 * Who may open a WebSocket of the page: its own document, from its own address, with its token in the first message, since
 * a browser sends no header with it. Then the kind of the link goes on with it.
 */

import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { ApiError, statusOf } from '../api/api-error.ts'
import { requireHost, requireSameSite } from '../api/guard.ts'
import { requestError } from '../api/request.ts'
import { helloMs, maxSockets } from './limits.ts'
import type { PageSessions } from './sessions.ts'
import { closeCodes, WebSocketLink } from './websocket.ts'

/** Goes on with a link: is given its first message, without the token, and the page's session. */
export type SocketKind = (link: WebSocketLink, ask: unknown, owner: string) => Promise<void>

export interface SocketsInit {
  readonly sessions: PageSessions
  readonly port: () => number
  /** By path. */
  readonly kinds: ReadonlyMap<string, SocketKind>
}

/** How long a browser that is refused may take to read why. */
const refusedMs = 1000
const helloSchema = z.strictObject({ token: z.string().max(100), ask: z.unknown() })

/** Takes such requests on the server of the page; gives what ends all of them. */
export function takeSockets(server: Server, init: SocketsInit): () => void {
  const open = new Set<Duplex>()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    try {
      if (open.size > maxSockets) {
        throw new ApiError('too-many', `expected at most ${maxSockets} links of the page at a time`, {
          hint: 'Close some terminals, or wait for uploads to end.',
        })
      }
      begin(request, socket, head, init)
    } catch (thrown) {
      refuse(socket, thrown)
    }
  })
  return () => {
    for (const socket of open) socket.destroy()
  }
}

function begin(request: IncomingMessage, socket: Duplex, head: Buffer, { sessions, port, kinds }: SocketsInit): void {
  const { host, origin } = request.headers
  requireHost(host, port())
  const site = request.headers['sec-fetch-site']
  // Browsers always say the origin of a WebSocket.
  requireSameSite(typeof site === 'string' ? site : undefined, origin ?? 'none', host)
  const kind = kinds.get(request.url ?? '')
  const link = kind && WebSocketLink.accept(request, socket, head)
  if (kind === undefined || link === undefined) {
    throw new ApiError('unknown-route', 'expected a link of the page, got something else', {
      hint: 'Open the page at its own address: `thymesh web` prints it.',
    })
  }
  const late = setTimeout(() => link.close(closeCodes.protocol), helloMs).unref()
  socket.once('close', () => clearTimeout(late))
  const goOn = async (text: string) => {
    clearTimeout(late)
    const { token, ask } = helloSchema.parse(JSON.parse(text))
    const { id } = sessions.admit(`Bearer ${token}`)
    socket.once(
      'close',
      sessions.whenEnded(id, () => socket.destroy()),
    )
    await kind(link, ask, id)
  }
  let greeted = false
  link.listen({
    text: text => {
      if (greeted) return void link.close(closeCodes.protocol)
      greeted = true
      goOn(text).catch(thrown => tellFailure(link, thrown))
    },
    bytes: () => {
      link.close(closeCodes.protocol)
      return true
    },
    drain: () => {},
    closed: () => {},
  })
}

/** Says why, and ends the link. */
export function tellFailure(link: WebSocketLink, thrown: unknown): void {
  const cause =
    thrown instanceof SyntaxError
      ? new ApiError('not-understood', 'expected JSON', { hint: 'Load the page again.' })
      : thrown
  link.send(JSON.stringify({ error: requestError(cause) }))
  link.close(closeCodes.failed)
}

function refuse(socket: Duplex, thrown: unknown): void {
  const error = requestError(thrown)
  const body = JSON.stringify({ error })
  const head = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']
  socket.end(`HTTP/1.1 ${statusOf(error)} Refused\r\n${head.join('\r\n')}\r\n\r\n${body}`)
  // Whoever goes on talking, or never hangs up, keeps no place.
  socket.resume()
  setTimeout(() => socket.destroy(), refusedMs).unref()
}
