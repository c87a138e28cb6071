/** Reads the page of an exporter on this machine: `/metrics` on its loopback address, no other, and no redirect. */

import { get } from 'node:http'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { maxScrapeBytes, scrapeTimeoutMs } from './limits.ts'

/** A page of an exporter could not be read. */
class ScrapeError extends ThymeshError<'failed' | 'too-large'> {}

export function scrape(port: number, signal: AbortSignal): Promise<Uint8Array> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(scrapeTimeoutMs)])
  const url = `http://127.0.0.1:${port}/metrics`
  return new Promise((resolve, reject) => {
    const fail = (thrown: unknown) =>
      reject(new ScrapeError('failed', `no page at ${url}: ${messageOf(thrown)}`, { cause: thrown }))
    const request = get(
      url,
      { agent: false, headers: { Accept: 'text/plain;version=0.0.4' }, signal: within },
      reply => {
        const parts: Uint8Array[] = []
        let size = 0
        reply.on('error', fail)
        if (reply.statusCode !== 200) {
          reply.destroy()
          return fail(new Error(`status ${reply.statusCode}`))
        }
        reply.on('data', (part: Uint8Array) => {
          parts.push(part)
          size += part.length
          if (size <= maxScrapeBytes) return
          reply.destroy()
          reject(new ScrapeError('too-large', `expected at most ${maxScrapeBytes} bytes of ${url}, got more`))
        })
        reply.on('end', () => resolve(Buffer.concat(parts)))
      },
    )
    request.on('error', fail)
  })
}
