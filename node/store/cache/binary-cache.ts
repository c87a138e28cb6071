/**
 * The binary cache on loopback, which this machine's Nix queries before the internet.
 *
 * Plain node:http: two kinds of file need no router. Hono's adapter for Node wrote a failed stream's error text into
 * the NAR (where a resuming Nix would keep it), ran the whole GET for a HEAD and took 2.4 times the processor time.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { encodeNix32 } from '../../../protocol/nix/base32.ts'
import { formatNarInfo } from '../../../protocol/nix/narinfo.ts'
import { storeDir } from '../../../protocol/nix/store-path.ts'
import { AbortRace } from '../../concurrency/abort-race.ts'
import { FairPlaces, type Place } from '../../concurrency/fair-places.ts'
import { pause } from '../../concurrency/pause.ts'
import {
  cacheClientStallMs,
  cacheIdleStreamMs,
  cacheKeepAliveMs,
  cacheLookUpLimitMs,
  cachePieceLimitMs,
  cacheRequestLimitMs,
  cacheStopLimitMs,
  defaultCachePriority,
  maxCacheConnections,
  maxCacheNarStreams,
  maxRequestHeaderBytes,
} from '../limits.ts'
import type { StoreLog } from '../local/store-daemon.ts'
import type { PathInfo } from '../path-info.ts'
import { type CacheTarget, isLoopback, narUrl, parseRange, parseRequest } from './cache-request.ts'
import type { CacheSource } from './cache-source.ts'
import { respondWithNar } from './nar-response.ts'
import { lookUpWithRetries } from './retrying-look-up.ts'

const loopbackHost = '127.0.0.1'

/** The cache can't listen: another program uses the port. */
export class BinaryCacheError extends ThymeshError<'port-unavailable'> {}

export interface BinaryCacheInit {
  /** 0 for any free port. */
  readonly port: number
  /** As in `nix-cache-info`: the lowest is queried first. */
  readonly priority?: number
  /** Milliseconds; see `limits.ts`. */
  readonly lookUpLimitMs?: number
  readonly pieceLimitMs?: number
}

/**
 * An HTTP server for the Nix programs of this machine. A narinfo request is answered with 200 or 404, never with an
 * error.
 */
export class BinaryCache {
  readonly #source: CacheSource
  readonly #log: StoreLog | undefined
  readonly #init: Required<BinaryCacheInit>
  readonly #server: Server
  /** By connection: nothing else tells local users from each other. */
  readonly #streams = new FairPlaces({
    places: maxCacheNarStreams,
    idleMs: cacheIdleStreamMs,
    turnMs: Number.POSITIVE_INFINITY,
  })
  readonly #stopping = new AbortController()
  readonly #answering = new Set<Promise<void>>()

  constructor(components: { source: CacheSource; log?: StoreLog }, init: BinaryCacheInit) {
    this.#source = components.source
    this.#log = components.log
    this.#init = {
      priority: defaultCachePriority,
      lookUpLimitMs: cacheLookUpLimitMs,
      pieceLimitMs: cachePieceLimitMs,
      ...init,
    }
    this.#server = createServer({
      maxHeaderSize: maxRequestHeaderBytes,
      headersTimeout: cacheRequestLimitMs,
      requestTimeout: cacheRequestLimitMs,
      connectionsCheckingInterval: cacheRequestLimitMs / 2,
      keepAliveTimeout: cacheKeepAliveMs,
    })
    this.#server.maxConnections = maxCacheConnections
    this.#server.timeout = cacheClientStallMs
    // Another machine may have been routed here.
    this.#server.on('connection', socket => isLoopback(socket.remoteAddress) || socket.destroy())
    this.#server.on('request', (request, response) => {
      const answering = this.#handle(request, response).finally(() => this.#answering.delete(answering))
      this.#answering.add(answering)
    })
  }

  /** Listens; throws a BinaryCacheError when it can't. */
  async start(): Promise<void> {
    const { port } = this.#init
    try {
      this.#server.listen(port, loopbackHost)
      await once(this.#server, 'listening')
    } catch (thrown) {
      throw new BinaryCacheError(
        'port-unavailable',
        `can't serve a binary cache on ${loopbackHost}:${port}: ${messageOf(thrown)}`,
        {
          hint: 'Set another port for the cache in the settings (`cache.port`), or none (`cache: false`).',
          cause: thrown,
        },
      )
    }
    this.#server.on('error', error => this.#log?.warn({ reason: messageOf(error) }, 'the binary cache had an error'))
    this.#log?.debug({ url: this.url }, 'binary cache started')
  }

  /** Aborts running responses and closes the server. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the binary cache stops'))
    this.#server.close()
    this.#server.closeAllConnections()
    await pause(Promise.allSettled(this.#answering), cacheStopLimitMs)
  }

  /** A URL for `substituters`; `/g<release>` may be appended. */
  get url(): string {
    return `http://${loopbackHost}:${(this.#server.address() as AddressInfo | null)?.port ?? this.#init.port}`
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Error('the client has gone')))
    const signal = AbortSignal.any([gone.signal, this.#stopping.signal])
    response.on('error', () => {})
    try {
      const target = parseRequest(request)
      if (target.kind !== 'refused') await this.#answer(target, request, response, signal)
      else {
        if (target.status !== 404) response.setHeader('Connection', 'close')
        if (target.status === 405) response.setHeader('Allow', 'GET, HEAD')
        sendText(request, response, target.status, `${target.reason}\n`)
      }
    } catch (thrown) {
      if (!signal.aborted) this.#log?.warn({ url: request.url, reason: messageOf(thrown) }, 'the binary cache failed')
      // Aborted, so that Nix requests the rest: a regular end would be taken for the NAR's.
      if (response.headersSent || signal.aborted) response.destroy()
      else sendText(request, response, 404, 'not available\n')
    }
  }

  async #answer(target: CacheTarget, request: IncomingMessage, response: ServerResponse, signal: AbortSignal) {
    if (target.kind === 'cache-info') {
      const text = `StoreDir: ${storeDir}\nWantMassQuery: 1\nPriority: ${this.#init.priority}\n`
      return sendText(request, response, 200, text, 'text/x-nix-cache-info')
    }
    const info = await lookUpWithRetries(this.#source, target.hashPart, {
      signal,
      limitMs: this.#init.lookUpLimitMs,
      log: this.#log,
    })
    const narHash = info && encodeNix32(info.narHash)
    if (info === undefined || narHash === undefined || (target.kind === 'nar' && target.narHash !== narHash)) {
      return sendText(request, response, 404, 'no such path\n')
    }
    if (target.kind === 'nar') return this.#sendNar(info, narHash, request, response, signal)
    const text = formatNarInfo({
      ...info,
      url: narUrl(target.hashPart, narHash),
      compression: 'none',
      fileHash: info.narHash,
      fileSize: info.narSize,
    })
    return sendText(request, response, 200, text, 'text/x-nix-narinfo')
  }

  async #sendNar(
    info: PathInfo,
    narHash: string,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { range: rangeHeader, 'if-range': ifRange } = request.headers
    const etag = `"${narHash}"`
    const stale = ifRange !== undefined && ifRange !== etag
    const range = stale ? undefined : parseRange(rangeHeader, info.narSize)
    response.setHeader('Accept-Ranges', 'bytes')
    response.setHeader('ETag', etag)
    if (range === 'unsatisfiable') {
      response.setHeader('Content-Range', `bytes */${info.narSize}`)
      return sendText(request, response, 416, 'the NAR ends before that\n')
    }
    const { start, end } = range ?? { start: 0, end: info.narSize }
    const sendHead = () => {
      if (range !== undefined) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${info.narSize}`)
      response.setHeader('Content-Length', end - start)
      response.setHeader('Content-Type', 'application/x-nix-nar')
      response.writeHead(range === undefined ? 200 : 206)
    }
    if (request.method === 'HEAD') {
      sendHead()
      response.end()
      return
    }
    const connection = `connection ${request.socket.remotePort}`
    const takeBack = () => response.destroy()
    const race = new AbortRace(signal)
    const place = await this.#streams.wait({ peer: connection, group: connection }, takeBack, race).finally(() => {
      race.end()
    })
    if (place === undefined) throw new RangeError('unreachable: connections have no limit of their own')
    try {
      const pieces = working(this.#source.nar(info, start, signal), place)
      await respondWithNar(pieces, end - start, { response, sendHead, signal, pieceLimitMs: this.#init.pieceLimitMs })
      this.#log?.debug({ path: info.path, start, end }, 'served a NAR')
    } finally {
      place.leave()
    }
  }
}

/** A stream is idle while its client reads nothing, not while its source is waited for. */
async function* working(pieces: AsyncIterable<Uint8Array>, place: Place): AsyncGenerator<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]()
  try {
    for (let next = await place.during(iterator.next()); !next.done; next = await place.during(iterator.next())) {
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}

function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
  type?: string,
): void {
  response.writeHead(status, {
    'Content-Type': type ?? 'text/plain',
    'Content-Length': Buffer.byteLength(text),
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}
