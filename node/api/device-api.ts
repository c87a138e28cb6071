/** A device's own API: HTTP on a Unix socket of this machine, which only reads. */

import { mkdir, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { visible } from '../../protocol/encoding/visible.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { fitsSocket, listenAt } from '../files/unix-socket.ts'
import type { KnownSite } from '../peer/known-site.ts'
import { accountId } from '../process/account-id.ts'
import type { Logger } from '../process/log.ts'
import { maxConnections, maxHeaderBytes, requestTimeoutMs } from './limits.ts'
import { runDirectory } from './socket-place.ts'

/** Members of this group may ask; root and the daemon's own user always may. */
const group = 'thymesh'

export class DeviceApi {
  readonly file: string
  readonly #server: Server

  private constructor(server: Server, file: string) {
    this.#server = server
    this.file = file
  }

  /** Listens at the first of these paths where that is possible; nothing where it is at none. */
  static async start(files: readonly string[], known: () => KnownSite, log: Logger): Promise<DeviceApi | undefined> {
    for (const file of files.filter(fitsSocket)) {
      const server = serverOf(known)
      try {
        if (dirname(file) === runDirectory) await mkdir(runDirectory, { recursive: true, mode: 0o755 })
        await listenAt(server, file, await groupToLetIn())
        log.info({ file }, 'this machine can ask for the state of the device')
        return new DeviceApi(server, file)
      } catch (thrown) {
        server.close()
        await rm(file, { force: true }).catch(() => {})
        log.warn({ file, reason: messageOf(thrown) }, "can't listen here for questions of this machine")
      }
    }
    log.warn({ files }, 'this machine can not ask for the state of the device: no socket is possible')
    return undefined
  }

  async stop(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
    await rm(this.file, { force: true })
  }
}

/** Only its members, and root, may give a file to a group. */
async function groupToLetIn(): Promise<number | undefined> {
  const id = await accountId('group', group)
  const may = process.getuid?.() === 0 || (id !== undefined && process.getgroups?.().includes(id))
  return may ? id : undefined
}

function serverOf(known: () => KnownSite): Server {
  const server = createServer(
    { maxHeaderSize: maxHeaderBytes, requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
    (request, response) => void answer(request, response, known),
  )
  server.maxConnections = maxConnections
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    if (!socket.writable) return
    const large = error.code === 'HPE_HEADER_OVERFLOW'
    const [line, message] = large
      ? ['431 Request Header Fields Too Large', 'the head of the request is too large']
      : ['400 Bad Request', 'expected HTTP, got something else']
    const body = bodyOf(new DeviceApiError('not-understood', message))
    const head = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']
    socket.end(`HTTP/1.1 ${line}\r\n${head.join('\r\n')}\r\n\r\n${body}`)
  })
  return server
}

export class DeviceApiError extends ThymeshError<'not-understood' | 'unknown-route' | 'wrong-method'> {}

const statuses = { 'not-understood': 400, 'unknown-route': 404, 'wrong-method': 405 } as const
const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }

async function answer(request: IncomingMessage, response: ServerResponse, known: () => KnownSite): Promise<void> {
  try {
    const json = JSON.stringify(await answerTo(request, known))
    response.writeHead(200, { ...headers, 'Content-Length': Buffer.byteLength(json) })
    response.end(request.method === 'HEAD' ? undefined : json)
  } catch (thrown) {
    const status = thrown instanceof DeviceApiError ? statuses[thrown.code] : 500
    // What comes after a request that was refused is not read.
    response.writeHead(status, { ...headers, ...(status === 405 && { Allow: 'GET, HEAD' }), Connection: 'close' })
    response.end(request.method === 'HEAD' ? undefined : bodyOf(thrown))
  }
}

async function answerTo({ method, url = '' }: IncomingMessage, known: () => KnownSite): Promise<object> {
  if (method !== 'GET' && method !== 'HEAD') {
    throw new DeviceApiError('wrong-method', `expected GET, got ${visible(method ?? '', 20)}: a device only answers`)
  }
  const [path, query] = url.split('?')
  if (query) throw new DeviceApiError('not-understood', `expected no options, got ${visible(query, 100)}`)
  // Loaded with the first question: an idle daemon pays nothing for them.
  const { ownStatus, siteStatus } = await import('./answers.ts')
  if (path === '/v1/status') return ownStatus(known())
  if (path === '/v1/site') return siteStatus(known())
  throw new DeviceApiError('unknown-route', `expected a route of a device's API, got ${visible(path ?? '', 100)}`)
}

function bodyOf(thrown: unknown): string {
  const code = thrown instanceof DeviceApiError ? thrown.code : 'failed'
  const hint = code === 'failed' ? 'Read the log: journalctl -u thymesh.' : 'Ask for GET /v1/status or GET /v1/site.'
  return JSON.stringify({ error: { code, message: messageOf(thrown), hint } })
}
