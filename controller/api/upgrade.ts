/** Streams to devices by the local API: a request on the socket that asks for `Upgrade: thymesh-stream` becomes the stream. */

import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { openDeviceStream, streamOptions } from '../session/device-streams.ts'
import { joinStreams } from '../session/join-streams.ts'
import type { Session } from '../session/session.ts'
import { ApiError, statusOf } from './api-error.ts'
import { maxStreams } from './limits.ts'
import { requestError } from './request.ts'

/** The name of what the connection becomes. */
export const streamUpgrade = 'thymesh-stream'

/** The path of a stream to a device. */
export function streamPath(device: string, kind: 'ssh' | 'forward' | 'screen' | 'snapshots'): string {
  return `/v1/devices/${encodeURIComponent(device)}/${kind}`
}

type LoadSession = () => Promise<{ readonly session: Session }>

const place = /^\/v1\/devices\/([^/]{1,600})\/(ssh|forward|screen|snapshots)$/

/** Takes such requests on a server whose callers are all this user's own: the owner of its socket. Gives what ends all of them. */
export function takeStreams(server: Server, load: LoadSession): () => void {
  const open = new Set<Duplex>()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Errors of either side end the other one; here they only must not be unhandled.
    socket.on('error', () => {})
    if (open.size >= maxStreams) return void refuse(socket, tooMany())
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    const gone = new AbortController()
    socket.once('close', () => gone.abort(new Error('the caller is gone')))
    streamOf(request, load, gone.signal).then(
      stream => {
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${streamUpgrade}\r\n\r\n`)
        if (head.length > 0) socket.unshift(head)
        joinStreams(socket, stream)
      },
      thrown => refuse(socket, thrown),
    )
  })
  return () => {
    for (const socket of open) socket.destroy()
  }
}

async function streamOf(request: IncomingMessage, load: LoadSession, signal: AbortSignal): Promise<Duplex> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
  const [, device, kind] = place.exec(pathname) ?? []
  if (device === undefined || request.headers.upgrade !== streamUpgrade) {
    throw new ApiError('unknown-route', 'expected a stream of a device, got something else', {
      hint: '`thymesh api schema` prints all routes.',
    })
  }
  const wait = searchParams.get('wait')
  const options = streamOptions.parse({
    device: decodeURIComponent(device),
    ...(kind === 'ssh' && { user: searchParams.get('user') ?? '' }),
    ...(kind === 'screen' && { screen: true }),
    ...(kind === 'snapshots' && { snapshots: true }),
    ...(wait !== null && { wait: Number(wait) }),
  })
  return await openDeviceStream((await load()).session, options, signal)
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
