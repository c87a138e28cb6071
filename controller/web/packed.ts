/** Packs answers for browsers: the rows of a large fleet over a forwarded port are worth it; streams and short answers are not. */

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { wholeBody, wholeBytes } from '../api/whole-body.ts'

/** What fits into one packet comes no sooner when it is packed. */
const leastBytes = 1024
/** Of the fleet's list, higher levels save a tenth, and take two and a half times as long. */
const level = 1

/** Of answers that are given again as they are, such as the list of a fleet between two reports. */
const packs = new WeakMap<Uint8Array, Promise<Uint8Array<ArrayBuffer>>>()

/** The answer, packed where the browser accepts that and it pays. */
export async function packed(response: Response, accepted: string | undefined): Promise<Response> {
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false
  if (!isJson || response.body === null || !/\bgzip\b/.test(accepted ?? '')) return response
  const bytes = await wholeBytes(response)
  const { status } = response
  const headers = new Headers(response.headers)
  if (bytes.length < leastBytes) return new Response(wholeBody(bytes), { status, headers })
  headers.set('Content-Encoding', 'gzip')
  headers.delete('Content-Length')
  return new Response(wholeBody(await packOf(bytes)), { status, headers })
}

function packOf(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const pack = packs.get(bytes) ?? promisify(gzip)(bytes, { level }).then(buffer => new Uint8Array(buffer))
  packs.set(bytes, pack)
  return pack
}
