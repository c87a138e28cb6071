/** Streams to devices by the local API: a request on the socket that asks for `Upgrade: thymesh-stream` becomes the stream. */

import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { openDeviceStream, type StreamOptions, streamOptions } from '../session/device-streams.ts'
import { joinStreams } from '../session/join-streams.ts'
import type { Session } from '../session/session.ts'
import { ApiError, statusOf } from './api-error.ts'
import { type DoorKind, type DoorNews, doorKinds, openDoor, sayTo } from './doors.ts'
import { maxStreams } from './limits.ts'
import { requestError } from './request.ts'

/** The name of what the connection becomes. */
export const streamUpgrade = 'thymesh-stream'

/** The path of a stream to a device, or of a door there. */
export function streamPath(device: string, kind: 'ssh' | 'forward' | 'screen' | 'snapshots' | DoorKind): string {
  return `/v1/devices/${encodeURIComponent(device)}/${kind}`
}

type LoadSession = () => Promise<{ readonly session: Session }>

const place = /^\/v1\/devices\/([^/]{1,600})\/([a-z-]{1,20})$/
const streamKinds = ['ssh', 'forward', 'screen', 'snapshots']

/** Takes such requests on a server whose callers are all this user's own: the owner of its socket. Gives what ends all of them. */
export function takeStreams(server: Server, load: LoadSession): () => void {
  const all = new Set<Duplex>()
  /** A connection to a door leads to a device like any other stream, and counts as one. */
  const admits = (socket: Duplex) => {
    if (all.size >= maxStreams) return false
    all.add(socket)
    socket.once('close', () => all.delete(socket))
    return true
  }
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Errors of either side end the other one; here they only must not be unhandled.
    socket.on('error', () => {})
    if (!admits(socket)) return void refuse(socket, tooMany())
    const gone = new AbortController()
    socket.once('close', () => gone.abort(new Error('the caller is gone')))
    const upgraded = () => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${streamUpgrade}\r\n\r\n`)
    }
    const open = async () => {
      const asked = askedOf(request)
      if (isDoor(asked.kind)) {
        const { kind, device, query } = asked
        // Nothing more is said to us but the end, also while the door is being opened.
        socket.once('end', () => socket.destroy()).resume()
        const { session } = await load()
        gone.signal.throwIfAborted()
        const say = (news: DoorNews) => sayTo(socket, news)
        const door = await openDoor(kind, device, query, { session, say, admits, gone: gone.signal })
        if (gone.signal.aborted) return door.stop()
        socket.once('close', () => door.stop())
        upgraded()
        sayTo(socket, { at: door.at })
        return
      }
      const stream = await openDeviceStream((await load()).session, streamOf(asked), gone.signal)
      upgraded()
      if (head.length > 0) socket.unshift(head)
      joinStreams(socket, stream)
    }
    open().catch(thrown => refuse(socket, thrown))
  })
  return () => {
    for (const socket of all) socket.destroy()
  }
}

interface Asked {
  readonly device: string
  readonly kind: string
  readonly query: URLSearchParams
}

function askedOf(request: IncomingMessage): Asked {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
  const [, device, kind = ''] = place.exec(pathname) ?? []
  const isKnown = streamKinds.includes(kind) || isDoor(kind)
  if (device !== undefined && isKnown && request.headers.upgrade === streamUpgrade) {
    return { device: decodeURIComponent(device), kind, query: searchParams }
  }
  throw new ApiError('unknown-route', 'expected a stream of a device, got something else', {
    hint: '`thymesh api schema` prints all routes.',
  })
}

function isDoor(kind: string): kind is DoorKind {
  return (doorKinds as readonly string[]).includes(kind)
}

function streamOf({ device, kind, query }: Asked): StreamOptions {
  const wait = query.get('wait')
  return streamOptions.parse({
    device,
    ...(kind === 'ssh' && { user: query.get('user') ?? '' }),
    ...(kind === 'screen' && { screen: true }),
    ...(kind === 'snapshots' && { snapshots: true }),
    ...(wait !== null && { wait: Number(wait) }),
  })
}

function refuse(socket: Duplex, thrown: unknown): void {
  const error = requestError(thrown)
  const body = JSON.stringify({ error })
  const head = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']
  socket.end(`HTTP/1.1 ${statusOf(error)} Refused\r\n${head.join('\r\n')}\r\n\r\n${body}`)
}

function tooMany(): ApiError {
  return new ApiError('too-many', `expected at most ${maxStreams} streams to devices at a time`, {
    hint: 'End some, and try again.',
  })
}
