/** What a request to the binary cache asks for, and why one is refused: pure, so that every rule has a test. */
import { isIPv4 } from 'node:net'
import { maxRequestUrlLength } from '../limits.ts'

/** What a client may ask for. */
export type CacheTarget =
  | { readonly kind: 'cache-info' }
  | { readonly kind: 'narinfo'; readonly hashPart: string }
  | { readonly kind: 'nar'; readonly hashPart: string; readonly narHash: string }

/** The target, or the status to refuse with. */
export type ParsedRequest = CacheTarget | { readonly kind: 'refused'; readonly status: number; readonly reason: string }

/** The parts of node:http's IncomingMessage that are looked at. */
export interface RequestHead {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headersDistinct: NodeJS.Dict<string[]>
}

const nix32 = '[0-9abcdfghijklmnpqrsvwxyz]'
/**
 * Everything before the file's name that starts with `g` is passed over: Nix keeps a 404 for an hour, by the cache's URL
 * without its query, so a URL that carries the release's number never hides what a new release brings.
 */
const pattern = new RegExp(
  `^(?:/g[0-9A-Za-z._-]{0,64})?/(?:(nix-cache-info)|(${nix32}{32})\\.narinfo|nar/(${nix32}{32})-(${nix32}{52})\\.nar)$`,
)

/** Where the NAR of a path lies, relative to the cache's URL. Depends on nothing but the path: Nix keeps it for 30 days. */
export function narUrl(hashPart: string, narHash: string): string {
  return `nar/${hashPart}-${narHash}.nar`
}

/** Reads a request's first line and headers. */
export function parseRequest(request: RequestHead): ParsedRequest {
  const { method, url = '', headersDistinct: headers } = request
  const misuse = refusedHeaders(headers)
  if (misuse !== undefined) return misuse
  if (method !== 'GET' && method !== 'HEAD') return refused(405, 'only GET and HEAD are answered')
  if (url.length > maxRequestUrlLength) return refused(414, 'no URL of the cache is that long')
  const match = pattern.exec(url)
  if (match === null) return refused(404, 'no such file')
  const [, info, narInfoHash, hashPart = '', narHash = ''] = match
  if (info !== undefined) return { kind: 'cache-info' }
  return narInfoHash === undefined ? { kind: 'nar', hashPart, narHash } : { kind: 'narinfo', hashPart: narInfoHash }
}

/** The first byte that is wanted and the one after the last; `unsatisfiable` beyond the end. */
export type ByteRange = { readonly start: number; readonly end: number } | 'unsatisfiable'

/**
 * Reads `Range` (RFC 9110 §14.2) for a body of `size` bytes. Nothing for a header that is absent, not understood, or
 * asks for several ranges: the whole body is a right answer to all of these.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}

/** Whether a connection comes from this machine. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  const plain = address.replace(/^::ffff:/, '')
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

function refusedHeaders(headers: NodeJS.Dict<string[]>): ParsedRequest | undefined {
  // A name that was pointed at this machine (DNS rebinding) would let a page of the web read what is served.
  const hosts = headers.host ?? []
  if (hosts.length !== 1 || !/^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/i.test(hosts[0] ?? '')) {
    return refused(403, 'the cache answers to 127.0.0.1 and localhost only')
  }
  // Sent by browsers alone. A page could not read the answer, but could make the mesh carry NARs.
  const site = headers['sec-fetch-site']?.[0]
  if (headers.origin !== undefined || headers.referer !== undefined || (site !== undefined && site !== 'none')) {
    return refused(403, 'the cache is not for web pages')
  }
  const length = headers['content-length']?.[0]
  if (headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')) {
    return refused(400, 'a request has no body')
  }
  return undefined
}

function refused(status: number, reason: string): ParsedRequest {
  return { kind: 'refused', status, reason }
}
