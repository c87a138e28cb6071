/** Lists of items as zstd, alone or with a dictionary that both sides have. */

import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { messageOf } from '../../../protocol/errors.ts'

const pack = promisify(zstdCompress)
const unpack = promisify(zstdDecompress)
/** Above it, a board's processor costs more than the bytes that it saves. */
const level = 6
/** A frame may ask for no larger window, and memory for it. */
const unpackParams = { params: { [constants.ZSTD_d_windowLogMax]: 17 } }

export async function packItems(contents: Uint8Array, dictionary?: Uint8Array): Promise<Uint8Array> {
  const params = { [constants.ZSTD_c_compressionLevel]: level }
  return Uint8Array.from(
    await pack(contents, { params, pledgedSrcSize: contents.length, ...(dictionary && { dictionary }) }),
  )
}

/** Never writes more than was announced. Throws a FormatError. */
export async function unpackItems(bytes: Uint8Array, size: number, dictionary?: Uint8Array): Promise<Uint8Array> {
  try {
    const contents = await unpack(bytes, { ...unpackParams, maxOutputLength: size, ...(dictionary && { dictionary }) })
    if (contents.length === size) return Uint8Array.from(contents)
    throw new RangeError(`got ${contents.length}`)
  } catch (thrown) {
    throw new FormatError('malformed', `expected zstd of ${size} bytes of sync items: ${messageOf(thrown)}`, {
      cause: thrown,
    })
  }
}
