/**
 * Poisons the memory of chunks: what nobody holds any more is overwritten at once, so that whoever still sends, writes, hashes or
 * unpacks it gets other bytes than the chunk's; and who still writes to it is found when it is taken again.
 */

import type { ChunkMemory } from '../../node/swarm/chunks/chunk-memory.ts'

const poison = Buffer.alloc(1024 ** 2, 0xdd)

/** From then on the memory throws where some is taken that somebody wrote to while it was free. */
export function poisonFreed(memory: ChunkMemory): void {
  memory.watcher = {
    freed: bytes => bytes.set(poison.subarray(0, bytes.length)),
    taken: bytes => {
      if (poison.subarray(0, bytes.length).equals(bytes)) return
      throw new Error('expected memory that nobody has written to since it was free')
    },
  }
}
