/** Serves the page of a device: on loopback to this machine's browsers, or on all addresses to who has the PIN. */

import { randomInt, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { replaceFile } from '../files/durable-file.ts'
import { unlessMissing } from '../files/missing.ts'
import type { KnownSite } from '../peer/known-site.ts'
import { maxConnections, maxWrongPins, pinDigits, requestTimeoutMs, wrongPinsMs } from './limits.ts'
import { sitePage, siteStyle } from './site-page.ts'

export class PageError extends ThymeshError<'port-unavailable'> {}

export interface PageDoorInit {
  readonly port: number
  /** Missing on loopback. */
  readonly pin: string | undefined
  /** What is shown, made anew for each request. */
  readonly shown: () => KnownSite
  readonly clock?: () => number
}

const headers = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
}

export class PageDoor {
  readonly #server: Server
  readonly #init: PageDoorInit
  readonly #wrong: number[] = []

  private constructor(init: PageDoorInit) {
    this.#init = init
    this.#server = createServer(
      { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, maxHeaderSize: 8192 },
      (request, response) => this.#answer(request, response),
    )
    this.#server.maxConnections = maxConnections
  }

  /** Throws a PageError where another program has the port. */
  static async start(init: PageDoorInit): Promise<PageDoor> {
    const door = new PageDoor(init)
    try {
      door.#server.listen(init.port, init.pin === undefined ? '127.0.0.1' : undefined)
      await once(door.#server, 'listening')
    } catch (thrown) {
      throw new PageError('port-unavailable', `can't serve the page on port ${init.port}: ${messageOf(thrown)}`, {
        hint: 'Set another port for it (`page.port`), or none (`page: false`).',
        cause: thrown,
      })
    }
    return door
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async stop(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#refusal(request)
    if (refusal !== undefined) {
      const [status, words] = refusal
      const ask =
        status === 401 ? { 'WWW-Authenticate': 'Basic realm="Thymesh: any name, and the PIN as password"' } : {}
      response.writeHead(status, { ...headers, ...ask, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${words}\n`)
      return
    }
    const isStyle = request.url === '/style.css'
    const type = isStyle ? 'text/css; charset=utf-8' : 'text/html; charset=utf-8'
    const body = isStyle ? siteStyle : sitePage(this.#init.shown())
    response.writeHead(200, { ...headers, 'Content-Type': type })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  #refusal({ method, url, headers }: IncomingMessage): [number, string] | undefined {
    if (method !== 'GET' && method !== 'HEAD') return [405, 'This page can only be read.']
    if (url !== '/' && url !== '/style.css') return [404, 'The page is at /.']
    const site = headers['sec-fetch-site']
    const navigates = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !navigates)
      return [403, 'Another page has asked for it.']
    if (this.#init.pin !== undefined) return this.#pinRefusal(this.#init.pin, headers.authorization)
    // A foreign name that leads here (DNS rebinding) brings itself.
    if (/^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i.test(headers.host ?? '')) return undefined
    return [421, 'The page is at http://127.0.0.1, for browsers of this machine.']
  }

  #pinRefusal(pin: string, authorization: string | undefined): [number, string] | undefined {
    const now = this.#init.clock?.() ?? performance.now()
    while ((this.#wrong[0] ?? now) <= now - wrongPinsMs) this.#wrong.shift()
    if (this.#wrong.length >= maxWrongPins) return [429, 'Too many wrong PINs: wait a minute.']
    if (authorization === undefined) return [401, 'The PIN is in the file page.pin of the state of the device.']
    const given = Buffer.from(/^Basic ([\w+/=]{1,200})$/.exec(authorization)?.[1] ?? '', 'base64').toString()
    const [typed, wanted] = [Buffer.from(given.slice(given.indexOf(':') + 1)), Buffer.from(pin)]
    if (typed.length === wanted.length && timingSafeEqual(typed, wanted)) return undefined
    this.#wrong.push(now)
    return [401, 'Expected the PIN of this device as password.']
  }
}

/** The device's own PIN, made once and kept for its owner. */
export async function pagePin(stateDirectory: string): Promise<string> {
  const file = join(stateDirectory, 'page.pin')
  const kept = (await unlessMissing(readFile(file, 'utf8')))?.trim()
  if (kept !== undefined && new RegExp(`^\\d{${pinDigits}}$`).test(kept)) return kept
  const pin = String(randomInt(10 ** pinDigits)).padStart(pinDigits, '0')
  await replaceFile(file, `${pin}\n`)
  return pin
}
