/** Packs and unpacks the bodies of packs with zstd, within the format's bounds. */

import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { packLevel, packWindowLog } from './limits.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

export async function packed(body: Uint8Array): Promise<Uint8Array> {
  const params = {
    [constants.ZSTD_c_compressionLevel]: packLevel,
    [constants.ZSTD_c_windowLog]: packWindowLog,
  }
  // In one piece, mostly: zlib's own are 16 KiB, and thousands of them cost as much as the compression.
  const chunkSize = Math.max(64 * 1024, body.length >> 1)
  const frame = await compress(body, { params, pledgedSrcSize: body.length, chunkSize })
  // Else a small frame would keep a large buffer.
  return frame.length < frame.buffer.byteLength / 2 ? Uint8Array.from(frame) : frame
}

/** Throws a BundleError if the frame is damaged, or requires or makes more bytes than a pack may have. */
export async function unpacked(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    const params = { [constants.ZSTD_d_windowLogMax]: packWindowLog }
    return await decompress(bytes, { maxOutputLength: limits.bundlePack, params, chunkSize: limits.bundlePack })
  } catch (cause) {
    throw new BundleError('damaged', `a pack can't be unpacked: ${messageOf(cause)}`, {
      cause,
      hint: 'Copy the bundle again; the medium may be worn out.',
    })
  }
}
