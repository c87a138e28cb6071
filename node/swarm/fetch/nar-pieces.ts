/** A path's NAR in pieces, read from its chunks while others still arrive. */

import type { AbortRace } from '../../concurrency/abort-race.ts'
import type { PathChunks } from '../chunks/chunk-list.ts'
import { chunkMemory } from '../chunks/chunk-memory.ts'
import type { ChunkRuns, ChunkStore } from '../chunks/chunk-store.ts'
import { maxChunkSize } from '../recipe/chunker.ts'
import { restore } from '../recipe/normalise.ts'
import { AssemblyError } from './assembly-error.ts'

/** Retries for a chunk that vanished before it was read: each time, a garbage collection must have taken it. */
const maxChunkTries = 8

/** Of one piece: chunks at the end of paths can be tiny. */
const mostChunks = 64

/** A piece is read, one is on its way to the store, and one is held back by whoever sends it. */
const piecesAtOnce = 3

export interface NarPiecesComponents {
  readonly chunks: Pick<ChunkStore, 'has' | 'read'> & ChunkRuns
  /** Resolves when a chunk is available here; rejects if it won't be. */
  readonly available: (number: number) => Promise<void>
  readonly race: AbortRace
}

/** Its bytes are in memory that later pieces are read into. */
interface Piece {
  readonly bytes: Uint8Array
  /** How many chunks it has. */
  readonly count: number
}

export class NarPieces {
  readonly #components: NarPiecesComponents
  /** Memory that no NAR uses now. */
  readonly #memory: Buffer[][] = []

  constructor(components: NarPiecesComponents) {
    this.#components = components
  }

  /**
   * The NAR of a path. A piece is valid until two more have been asked for; the last one stays.
   *
   * With `verify`, each chunk is verified as it is read. Without, staged chunks are not, and the disk may have changed them:
   * that's for a store that verifies the whole NAR.
   */
  async *of(path: PathChunks, { verify }: { verify: boolean }): AsyncGenerator<Uint8Array, void> {
    const { chunks } = path
    const memory =
      this.#memory.pop() ?? Array.from({ length: piecesAtOnce }, () => Buffer.allocUnsafeSlow(maxChunkSize))
    let reading: Promise<Piece> | undefined
    const read = (place: number, into: Buffer) => {
      const piece = this.#piece(path, place, into, verify)
      // Its error is thrown where it is awaited, and ignored if it never is.
      piece.catch(() => {})
      return piece
    }
    try {
      for (let place = 0, turn = 0; place < chunks.length; turn++) {
        const { bytes, count } = await (reading ?? read(place, memoryOf(memory, turn)))
        place += count
        const isLast = place >= chunks.length
        reading = isLast ? undefined : read(place, memoryOf(memory, turn + 1))
        yield isLast ? Buffer.from(bytes) : bytes
      }
    } finally {
      // What is still read into it must not meet the next NAR there.
      void (reading ?? Promise.resolve()).then(
        () => this.#memory.push(memory),
        () => this.#memory.push(memory),
      )
    }
  }

  async awaitChunk(number: number): Promise<void> {
    const { chunks, available, race } = this.#components
    if (!chunks.has(number)) await race.wait(available(number))
  }

  /** One chunk, or as many as fit into the memory and are staged by now. */
  async #piece(path: PathChunks, place: number, into: Buffer, verify: boolean): Promise<Piece> {
    const { recipe, chunks, slots } = path
    const offset = recipe.chunks[place]?.offset ?? 0
    const number = chunks[place] ?? 0
    await this.awaitChunk(number)
    const run = verify ? 0 : await this.#components.chunks.readRun(chunks.slice(place, place + mostChunks), into)
    if (run > 0) {
      const end = recipe.chunks[place + run]?.offset ?? recipe.size
      return { bytes: restore(into.subarray(0, end - offset), offset, recipe.positions, slots), count: run }
    }
    const bytes = await this.#chunk(number)
    // A copy, since the chunk's buffer may be in use for sending it to another peer.
    into.set(bytes)
    chunkMemory.give(bytes)
    return { bytes: restore(into.subarray(0, bytes.length), offset, recipe.positions, slots), count: 1 }
  }

  async #chunk(number: number): Promise<Uint8Array> {
    const { chunks, race } = this.#components
    for (let tries = 0; tries < maxChunkTries; tries++) {
      await this.awaitChunk(number)
      const bytes = await race.wait(chunks.read(number))
      if (bytes !== undefined) return bytes
    }
    throw new AssemblyError('chunk-lost', `expected chunk ${number}, which vanished ${maxChunkTries} times`)
  }
}

function memoryOf(memory: readonly Buffer[], turn: number): Buffer {
  return memory[turn % memory.length] as Buffer
}
