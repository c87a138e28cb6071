/** How large the slabs are that Node takes small buffers from. */

import { bufferPoolBytes } from './limits.ts'

/**
 * A slab stays in memory as long as one of its buffers does. Node 24 takes slabs of 64 KiB, so a key or a path of some bytes that is kept
 * may keep a thousand times its size; those of Node 20 had 8 KiB. Call it before anything that lasts is made. Each thread has
 * slabs of its own.
 */
export function limitBufferPool(): void {
  Buffer.poolSize = bufferPoolBytes
}
