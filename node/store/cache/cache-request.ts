/** Parses and validates requests to the binary cache: pure functions, so that every rule has a test. */
import { isIPv4 } from 'node:net'
import { maxRequestUrlLength } from '../limits.ts'

/** A resource that a client may request. */
export type CacheTarget =
  | { readonly kind: 'cache-info' }
  | { readonly kind: 'narinfo'; readonly hashPart: string }
  | { readonly kind: 'nar'; readonly hashPart: string; readonly narHash: string }

/** The resource, or the status to refuse with. */
export type ParsedRequest = CacheTarget | { readonly kind: 'refused'; readonly status: number; readonly reason: string }

/** The parts of node:http's IncomingMessage that are examined. */
export interface RequestHead {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headersDistinct: NodeJS.Dict<string[]>
}

const nix32 = '[0-9abcdfghijklmnpqrsvwxyz]'
/**
 * A path prefix that starts with `g` is ignored. Nix caches a 404 for an hour by the cache's URL without its query,
 * so a URL with the release's number never hides the paths of a new release.
 */
const pattern = new RegExp(
  `^(?:/g[0-9A-Za-z._-]{0,64})?/(?:(nix-cache-info)|(${nix32}{32})\\.narinfo|nar/(${nix32}{32})-(${nix32}{52})\\.nar)$`,
)

/** A NAR's URL relative to the cache's. It depends only on the path: Nix caches it for 30 days. */
export function narUrl(hashPart: string, narHash: string): string {
  return `nar/${hashPart}-${narHash}.nar`
}

/** Parses a request's first line and headers. */
export function parseRequest(request: RequestHead): ParsedRequest {
  const { method, url = '', headersDistinct: headers } = request
  const misuse = refusedHeaders(headers)
  if (misuse !== undefined) return misuse
  if (method !== 'GET' && method !== 'HEAD') return refused(405, 'only GET and HEAD are answered')
  if (url.length > maxRequestUrlLength) return refused(414, 'the URL is too long for this cache')
  const match = pattern.exec(url)
  if (match === null) return refused(404, 'no such file')
  const [, info, narInfoHash, hashPart = '', narHash = ''] = match
  if (info !== undefined) return { kind: 'cache-info' }
  return narInfoHash === undefined ? { kind: 'nar', hashPart, narHash } : { kind: 'narinfo', hashPart: narInfoHash }
}

/** The first byte, and the one after the last; `unsatisfiable` beyond the end. */
export type ByteRange = { readonly start: number; readonly end: number } | 'unsatisfiable'

/**
 * Parses `Range` (RFC 9110 §14.2) for a body of `size` bytes. Undefined if the header is absent, not understood, or
 * requests several ranges: the whole body is a valid answer then.
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
  // A domain that resolves to this machine (DNS rebinding) would let a web page read the cache.
  const hosts = headers.host ?? []
  if (hosts.length !== 1 || !/^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/i.test(hosts[0] ?? '')) {
    return refused(403, 'the cache answers to 127.0.0.1 and localhost only')
  }
  // Only browsers send it. A page couldn't read the answer, but could make the mesh transfer NARs.
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
