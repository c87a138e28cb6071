/** Decompresses a chunk: never to more bytes than it has, whatever was packed. */

import { promisify } from 'node:util'
import { constants, zstdDecompress } from 'node:zlib'
import { zstdWindowLog } from '../limits.ts'

const decompress = promisify(zstdDecompress)

/** Throws zlib's error when the bytes are no such frame, or hold more. */
export async function unpack(bytes: Uint8Array, maxOutputLength: number, dictionary?: Uint8Array): Promise<Uint8Array> {
  const params = { [constants.ZSTD_d_windowLogMax]: zstdWindowLog }
  return await decompress(bytes, { maxOutputLength, params, ...(dictionary && { dictionary }) })
}
