/** What a restart finds of the staged chunks: those whose bytes on disk have their hash. */

import type { FileHandle } from 'node:fs/promises'
import { recipeLimits } from '../../../protocol/closure/recipe.ts'
import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { readFully } from '../../files/file-io.ts'
import type { ChunkList } from '../chunks/chunk-list.ts'
import type { StagedRange } from './staging-layout.ts'

/** Read at a time: some chunks, so that a scan goes as fast as the disk does. */
const scanBytes = 2 * 1024 ** 2

const zeros = Buffer.alloc(recipeLimits.chunkSize)

/** Numbers of the chunks of a staging file that are whole. */
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
    // The chunk after those that fit begins at the file's end or reaches beyond it.
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
 * A sparse file's holes are told by their zeros, since hashing them would be most of the work. A chunk of nothing but
 * zeros is fetched again, that is all.
 */
function isChunk(bytes: Buffer, hash: Uint8Array): boolean {
  return !bytes.equals(zeros.subarray(0, bytes.length)) && equalBytes(sha256(bytes), hash)
}
