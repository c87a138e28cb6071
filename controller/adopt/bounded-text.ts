/** What a program prints, up to some bytes: the rest is read, and dropped. */

import type { Readable } from 'node:stream'

/** Collects from now on; the function gives what has come. */
export function boundedText(stream: Readable | null, most: number): () => string {
  const parts: Buffer[] = []
  let bytes = 0
  stream?.on('data', (part: Buffer | string) => {
    const read = Buffer.from(part)
    if (bytes < most) parts.push(read.subarray(0, most - bytes))
    bytes += read.length
  })
  return () => Buffer.concat(parts).toString('utf8')
}
