/**
 * A client of the API in a process of its own: asks for one list again and again, and prints how long each answer took, in
 * milliseconds. `WHERE` is a Unix socket, or the address of the page's door with the browser's token behind the count.
 */

import { Agent, type RequestOptions, request } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { gunzipSync } from 'node:zlib'

const [where = '', path = '', count = '0', token] = process.argv.slice(2)

/** As a browser asks: over a connection that stays, for a packed answer. */
const asBrowser = (): RequestOptions => ({
  ...urlToHttpOptions(new URL(path, where)),
  agent: new Agent({ keepAlive: true }),
  headers: { Authorization: `Bearer ${token}`, 'Accept-Encoding': 'gzip' },
})
const options: RequestOptions = token === undefined ? { socketPath: where, path, agent: false } : asBrowser()

/** From the request to the last byte of the answer, unpacked. */
async function once(): Promise<number> {
  const began = performance.now()
  const parts: Buffer[] = []
  await new Promise<void>((resolve, reject) => {
    request(options, response => {
      if (response.statusCode !== 200) reject(new Error(`expected status 200, got ${response.statusCode}`))
      const isPacked = response.headers['content-encoding'] === 'gzip'
      response
        .on('data', part => isPacked && parts.push(part))
        .on('end', () => resolve())
        .on('error', reject)
    })
      .on('error', reject)
      .end()
  })
  if (parts.length > 0) gunzipSync(Buffer.concat(parts))
  return performance.now() - began
}

await once()
const times: number[] = []
for (let at = 0; at < Number(count); at++) times.push(await once())
process.stdout.write(JSON.stringify(times), () => process.exit())
