/** A TUF repository behind HTTP as a source of metadata and target files, every answer bounded. It is untrusted. */

import type { MetaFile, TargetFile } from '@tufjs/models'
import { idleStreamTimeoutMs, slowestBytesPerMs } from '../../../node/mesh/limits.ts'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import type { MetadataFetcher } from '../../../protocol/trust/refresh.ts'
import type { TrustRules } from '../../../protocol/trust/rules.ts'
import { matchesLengthAndHashes } from '../../../protocol/trust/verify.ts'

export class HttpSourceError extends ThymeshError<'not-found' | 'too-large' | 'wrong-hash' | 'unreachable'> {}

export interface HttpSourceInit {
  /** Of the metadata, with or without a slash at its end. */
  metadataUrl: string
  /** Of the target files; only `target` needs it. */
  targetUrl?: string
  rules: TrustRules
  /** Whether files carry their version or hash in front of their name; asked anew each time, since a root decides it. */
  consistentSnapshot: () => boolean
}

export class HttpSource implements MetadataFetcher {
  readonly #init: HttpSourceInit

  constructor(init: HttpSourceInit) {
    this.#init = init
  }

  async root(version: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#metadata(`${version}.root.json`, this.#init.rules.maxBytes.root)
    } catch (thrown) {
      if (thrown instanceof HttpSourceError && thrown.code === 'not-found') return undefined
      throw thrown
    }
  }

  timestamp(): Promise<Uint8Array> {
    return this.#metadata('timestamp.json', this.#init.rules.maxBytes.timestamp)
  }

  snapshot(meta: MetaFile): Promise<Uint8Array> {
    return this.#versioned('snapshot', meta, this.#init.rules.maxBytes.snapshot)
  }

  targets(role: string, meta: MetaFile): Promise<Uint8Array> {
    return this.#versioned(role, meta, this.#init.rules.maxBytes.targets)
  }

  /** A target file, verified; throws an HttpSourceError when the repository sends another one. */
  async target(path: string, file: TargetFile): Promise<Uint8Array> {
    const { targetUrl, consistentSnapshot } = this.#init
    if (targetUrl === undefined) throw new RangeError('expected a URL of the target files')
    const parts = path.split('/')
    const hash = Object.values(file.hashes)[0]
    if (consistentSnapshot()) parts.push(`${hash}.${parts.pop() ?? ''}`)
    const bytes = await download(joined(targetUrl, parts.map(encodeURIComponent).join('/')), file.length)
    if (matchesLengthAndHashes(file, bytes)) return bytes
    throw new HttpSourceError('wrong-hash', `expected ${path} as the metadata names it, got another file`)
  }

  #versioned(role: string, meta: MetaFile, maxBytes: number): Promise<Uint8Array> {
    const name = `${encodeURIComponent(role)}.json`
    const file = this.#init.consistentSnapshot() ? `${meta.version}.${name}` : name
    return this.#metadata(file, Math.min(meta.length ?? maxBytes, maxBytes))
  }

  #metadata(file: string, maxBytes: number): Promise<Uint8Array> {
    return download(joined(this.#init.metadataUrl, file), maxBytes)
  }
}

function joined(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path}`
}

/** The body behind a URL; ends when it is longer than it may be, or slower than the slowest link. */
async function download(url: string, maxBytes: number): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(idleStreamTimeoutMs + Math.ceil(maxBytes / slowestBytesPerMs))
  const parts: Uint8Array[] = []
  let size = 0
  try {
    const response = await fetch(url, { signal, redirect: 'error' })
    if (!response.ok) {
      await response.body?.cancel()
      const code = response.status === 404 || response.status === 403 ? 'not-found' : 'unreachable'
      throw new HttpSourceError(code, `expected ${url}, got HTTP status ${response.status}`)
    }
    for await (const part of response.body ?? []) {
      size += part.length
      if (size > maxBytes) {
        throw new HttpSourceError('too-large', `expected at most ${maxBytes} bytes of ${url}, got more`)
      }
      parts.push(part)
    }
  } catch (thrown) {
    if (thrown instanceof HttpSourceError) throw thrown
    throw new HttpSourceError('unreachable', `fetching ${url} failed: ${messageOf(thrown)}`, { cause: thrown })
  }
  return new Uint8Array(Buffer.concat(parts, size))
}
