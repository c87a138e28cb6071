/** Serves the local API: on the Unix socket of a controller's state, and on a loopback port where one is asked for. */

import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { fitsSocket, listenAt, maxSocketPath } from '../../node/files/unix-socket.ts'
import { errorJson } from '../format/error-json.ts'
import { ApiError } from './api-error.ts'
import type { ApiInit } from './app.ts'
import { maxConnections, maxHeaderBytes, requestTimeoutMs } from './limits.ts'
import { takeStreams } from './upgrade.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** Loaded with the first request: a controller that nobody asks pays nothing for it. */
export type LoadApi = () => Promise<Omit<ApiInit, 'door'>>

export class ApiServer {
  readonly #server: Server
  readonly #file: string | undefined
  readonly #endStreams: () => void

  private constructor(server: Server, file?: string, endStreams: () => void = () => {}) {
    this.#server = server
    this.#file = file
    this.#endStreams = endStreams
  }

  /** Listens at `file`, which is ours to replace: we have the lock of the state that it lies in. */
  static async onSocket(file: string, load: LoadApi): Promise<ApiServer> {
    if (!fitsSocket(file)) {
      throw new ApiError('socket-path', `expected a path of at most ${maxSocketPath} bytes for a socket, got ${file}`, {
        hint: 'Set THYMESH_HOME to a folder with a shorter path.',
      })
    }
    const server = serverOf(load, { kind: 'socket' })
    const endStreams = takeStreams(server, load)
    await listenAt(server, file)
    return new ApiServer(server, file, endStreams)
  }

  /** Listens on 127.0.0.1 for who has the token; 0 takes any free port. */
  static async onLoopback(port: number, token: string, load: LoadApi): Promise<ApiServer> {
    const server = serverOf(load, { kind: 'loopback', token })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: '127.0.0.1', port }, resolve)
    })
    return new ApiServer(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    // The server knows no more of connections that have become streams, and waits for them.
    this.#endStreams()
    this.#server.closeAllConnections()
    await closed
    if (this.#file !== undefined) await rm(this.#file, { force: true })
  }
}

function serverOf(load: LoadApi, door: ApiInit['door']): Server {
  let loaded: Promise<Listener> | undefined
  const server = createServer(
    { maxHeaderSize: maxHeaderBytes, requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
    (request, response) => {
      loaded ??= listenerOf(load, door)
      loaded.then(listener => listener(request, response)).catch(() => response.destroy())
    },
  )
  server.maxConnections = maxConnections
  server.on('clientError', answerNoHttp)
  return server
}

async function listenerOf(load: LoadApi, door: ApiInit['door']): Promise<Listener> {
  const [{ getRequestListener }, { makeApi }] = await Promise.all([import('@hono/node-server'), import('./app.ts')])
  return getRequestListener(makeApi({ ...(await load()), door }).fetch, { overrideGlobalObjects: false })
}

/** What is no HTTP. Commands of the version before send one JSON line and expect one: they are told so in their words. */
function answerNoHttp(error: Error & { rawPacket?: Buffer; code?: string }, socket: Socket): void {
  if (!socket.writable) return
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const message = tooLarge ? 'the head of the request is too large' : 'expected HTTP, got something else'
  const told = errorJson(
    new ApiError('not-understood', message, {
      hint: 'The controller that runs is of a newer version: end it, or use that version.',
    }),
  )
  if (error.rawPacket?.[0] === '{'.charCodeAt(0)) socket.end(`${JSON.stringify({ v: 1, error: told })}\n`)
  else {
    const body = JSON.stringify({ error: told })
    const status = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'
    const head = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']
    socket.end(`HTTP/1.1 ${status}\r\n${head.join('\r\n')}\r\n\r\n${body}`)
  }
}
