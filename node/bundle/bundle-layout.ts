/** Finds the files of a bundle by its headers, without reading their contents. */

import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import { type BundleFile, BundleOrder } from '../../protocol/bundle/bundle-files.ts'
import { blockBytes, paddingOf, readUstarHeader } from '../../protocol/bundle/ustar.ts'
import type { ByteSource } from './byte-source.ts'
import { headerWindowBytes } from './limits.ts'

/** Where a file lies. */
export interface FilePlace {
  readonly file: BundleFile
  readonly headerOffset: number
  readonly offset: number
  readonly size: number
}

/** All files in their order. Throws a BundleError unless they are those of a complete bundle. */
export async function layOutBundle(source: ByteSource, signal?: AbortSignal): Promise<FilePlace[]> {
  const order = new BundleOrder()
  const header = windowed(source)
  const places: FilePlace[] = []
  for (let headerOffset = 0; ; ) {
    signal?.throwIfAborted()
    const entry = await readHeader(header, headerOffset)
    if (entry === undefined) throw BundleError.truncated('expected the last file of a bundle, but the archive ends')
    const file = order.next(entry)
    const offset = headerOffset + blockBytes
    places.push({ file, headerOffset, offset, size: entry.size })
    headerOffset = offset + entry.size + paddingOf(entry.size)
    if (file.kind === 'end') {
      // The end of the archive must be there as well: it is what other programs look for.
      await readHeader(header, headerOffset)
      return places
    }
  }
}

async function readHeader(header: (offset: number) => Promise<Uint8Array>, offset: number) {
  try {
    return readUstarHeader(await header(offset))
  } catch (thrown) {
    if (offset > 0 || !(thrown instanceof BundleError)) throw thrown
    throw new BundleError('not-a-bundle', 'expected a bundle of Thymesh (thymesh-bundle/1), got other bytes', {
      hint: 'Write one with `thymesh bundle write`.',
      cause: thrown,
    })
  }
}

/** Blocks of headers out of larger reads. */
function windowed(source: ByteSource): (offset: number) => Promise<Uint8Array> {
  let start = 0
  let bytes: Uint8Array = new Uint8Array()
  return async offset => {
    if (offset < start || offset + blockBytes > start + bytes.length) {
      // Files of small size follow each other at the begin only.
      const length = offset < headerWindowBytes ? headerWindowBytes : blockBytes
      start = offset
      bytes = await source.read(offset, length)
    }
    return bytes.subarray(offset - start, offset - start + blockBytes)
  }
}
