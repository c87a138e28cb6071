/** Packs and unpacks the bodies of packs with zstd, within the format's bounds. */

import { promisify } from 'node:util'
import { constants, type ZstdOptions, zstdCompress, zstdCompressSync, zstdDecompress } from 'node:zlib'
import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { packLevel, packWindowLog } from './limits.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** The frame of a body. */
export async function packed(body: Uint8Array): Promise<Uint8Array> {
  return exactly(await compress(body, optionsFor(body)))
}

/** The same in this thread. */
export function packedSync(body: Uint8Array): Uint8Array<ArrayBuffer> {
  return exactly(zstdCompressSync(body, optionsFor(body)))
}

function optionsFor(body: Uint8Array): ZstdOptions {
  const params = {
    [constants.ZSTD_c_compressionLevel]: packLevel,
    [constants.ZSTD_c_windowLog]: packWindowLog,
  }
  // ZSTD_COMPRESSBOUND: with room for any frame, zstd works from the body to the result, without buffers between.
  const chunkSize = body.length + (body.length >> 8) + 64 * 1024
  return { params, pledgedSrcSize: body.length, chunkSize }
}

/** A copy: the frame would keep the room that it was made in. */
function exactly(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(frame)
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
