/** A client of the API in a process of its own: asks for one list again and again, and prints how long each answer took, in milliseconds. */

import { request } from 'node:http'

const [socketPath = '', path = '', count = '0'] = process.argv.slice(2)

/** From the request to the last byte of the answer. */
async function once(): Promise<number> {
  const began = performance.now()
  await new Promise<void>((resolve, reject) => {
    request({ socketPath, path, agent: false }, response => {
      if (response.statusCode !== 200) reject(new Error(`expected status 200, got ${response.statusCode}`))
      response
        .on('data', () => {})
        .on('end', resolve)
        .on('error', reject)
    })
      .on('error', reject)
      .end()
  })
  return performance.now() - began
}

await once()
const times: number[] = []
for (let at = 0; at < Number(count); at++) times.push(await once())
process.stdout.write(JSON.stringify(times))
