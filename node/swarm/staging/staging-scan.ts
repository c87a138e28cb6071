/** Scans staged chunks after a restart: those whose bytes match their hash are valid. */

import type { FileHandle } from 'node:fs/promises'
import { recipeLimits } from '../../../protocol/closure/recipe.ts'
import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { readFully } from '../../files/file-io.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'
import type { StagedRange } from './staging-layout.ts'

/** Read size: several chunks, so that a scan runs at the disk's speed. */
const scanBytes = 2 * 1024 ** 2

const zeros = Buffer.alloc(recipeLimits.chunkSize)

/** The numbers of the valid chunks of a staging file. */
export async function* verifyStaged(
  handle: FileHandle,
  { from, to }: StagedRange,
  list: ChunkList,
  offsets: Float64Array,
): AsyncGenerator<number, void> {
  const { size } = await handle.stat()
  const block = Buffer.allocUnsafeSlow(scanBytes)
  for (let first = from; first < to; ) {
    const start = offsets[first] ?? 0
    let next = first
    while (next < to && (offsets[next] ?? 0) + list.length(next) <= Math.min(start + scanBytes, size)) next++
    // The next chunk begins at or extends beyond the end of the file.
    if (next === first) return
    const end = (offsets[next - 1] ?? 0) + list.length(next - 1)
    if (!(await readFully(handle, block.subarray(0, end - start), start))) return
    for (let number = first; number < next; number++) {
      const at = (offsets[number] ?? 0) - start
      if (isChunk(block.subarray(at, at + list.length(number)), list.hash(number))) yield number
    }
    first = next
  }
}

/**
 * Zeros indicate a sparse file's hole, since hashing holes would be most of the work. A chunk of zeros is simply
 * fetched again.
 */
function isChunk(bytes: Buffer, hash: Uint8Array): boolean {
  return !bytes.equals(zeros.subarray(0, bytes.length)) && equalBytes(sha256(bytes), hash)
}
