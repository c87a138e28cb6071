/** NARs out of the mesh as streams, for the loopback cache: what Nix asks for that is not in the store. */

import { setMaxListeners } from 'node:events'
import { ThymeshError } from '../../protocol/errors.ts'
import { equalBytes } from '../../protocol/hash.ts'
import type { MeshNars as MeshNarsInterface } from '../store/cache-source.ts'
import type { PathInfo } from '../store/path-info.ts'
import type { PathChunks } from './chunk-list.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { Closures } from './closures.ts'
import { restore } from './normalise.ts'
import type { SwarmService } from './swarm-service.ts'

export class MeshNarError extends ThymeshError<'not-described' | 'chunk-lost'> {}

/** A chunk that is gone when it is to be read is asked for again: each time a garbage collection must have struck. */
const maxChunkTries = 8

export class MeshNars implements MeshNarsInterface {
  readonly #closures: Closures
  readonly #swarms: SwarmService

  constructor(components: { closures: Closures; swarms: SwarmService }) {
    this.#closures = components.closures
    this.#swarms = components.swarms
  }

  async *open(info: PathInfo, start: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const known = await this.#closures.withPath(info.path)
    const path = known?.list.paths.find(({ described }) => described.path === info.path)
    if (known === undefined || path === undefined || !equalBytes(path.described.narHash, info.narHash)) {
      throw new MeshNarError('not-described', `no release that is known here holds ${info.path}`)
    }
    const entry = await this.#swarms.open(known)
    const from = path.recipe.chunks.findLastIndex(({ offset }) => offset <= start)
    setMaxListeners(0, signal)
    entry.swarm.fetch([...path.chunks.subarray(from)].filter(number => !entry.chunks.has(number)))
    this.#swarms.connect(entry)
    try {
      for (let place = from; place < path.chunks.length; place++) {
        const bytes = await this.#chunk(entry, path.chunks[place] ?? 0, signal)
        const offset = path.recipe.chunks[place]?.offset ?? 0
        const plain = restored(path, bytes, offset)
        yield offset < start ? plain.subarray(start - offset) : plain
      }
    } finally {
      entry.swarm.endFetch()
    }
  }

  async #chunk(
    { swarm, chunks }: { swarm: { available(chunk: number, signal: AbortSignal): Promise<void> }; chunks: ChunkStore },
    number: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    for (let tries = 0; tries < maxChunkTries; tries++) {
      await swarm.available(number, signal)
      const bytes = await chunks.read(number)
      if (bytes !== undefined) return bytes
    }
    throw new MeshNarError('chunk-lost', `chunk ${number} is gone each time it is read`)
  }
}

/** A copy, since the chunk's bytes may be on their way to another peer. */
function restored({ recipe, slots }: PathChunks, bytes: Uint8Array, offset: number): Uint8Array {
  return restore(Buffer.from(bytes), offset, recipe.positions, slots)
}
