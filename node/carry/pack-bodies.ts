/**
 * Makes packs of chunks in threads: a pack's chunks mostly follow each other in the NAR of a path, whose files a thread reads
 * in one piece. What the files don't give comes from the swarm's chunks.
 */

import { firstPositionAfter, type Positions } from '../../protocol/closure/positions.ts'
import { hashLength } from '../../protocol/encoding/hash.ts'
import { ThreadPool, threadCount } from '../concurrency/thread-pool.ts'
import type { PathChunks } from '../swarm/chunks/chunk-list.ts'
import type { SwarmService } from '../swarm/session/swarm-service.ts'
import { BundleWriteError } from './bundle-write-error.ts'
import type { PackJob, PackResult, PackRun } from './pack-worker.ts'
import { idOf, lengthOf, type PlannedChunk } from './planned-chunk.ts'

export interface PackBodyComponents {
  /** Where a path's files are. */
  readonly store: { realPath(path: string): string }
  /** Chunks that the store's path doesn't give: staged ones, or of another path. */
  readonly swarms: Pick<SwarmService, 'open'>
}

export class PackBodies {
  /** Packs that may be asked for before the first of them is there, so that no thread waits for one. */
  readonly atOnce: number
  readonly #components: PackBodyComponents
  readonly #pool: ThreadPool<PackJob, PackResult>

  /** The event loop has little to do meanwhile: it writes what the threads made. */
  constructor(components: PackBodyComponents, { threads = threadCount({ spare: 0 }) } = {}) {
    this.atOnce = 2 * threads
    this.#components = components
    this.#pool = new ThreadPool(new URL('./pack-worker.ts', import.meta.url), { threads, ahead: 1 })
  }

  start(): void {
    this.#pool.start()
  }

  stop(): Promise<void> {
    return this.#pool.stop()
  }

  /** The frame of a pack. Throws a BundleWriteError if a chunk is nowhere here; errors of the store and of threads. */
  async packed(chunks: readonly PlannedChunk[]): Promise<Uint8Array> {
    const job = this.#jobOf(chunks)
    const given = new Map<number, Uint8Array>()
    for (;;) {
      const result = await this.#pool.run({ ...job, given })
      if ('frame' in result) return result.frame
      for (const number of result.missing) {
        const chunk = chunks[number]
        if (chunk !== undefined) given.set(number, await this.chunk(chunk))
      }
    }
  }

  /** One chunk's bytes, verified. Throws a BundleWriteError if it is nowhere here. */
  async chunk({ closure, number }: PlannedChunk): Promise<Uint8Array> {
    const bytes = await (await this.#components.swarms.open(closure)).chunks.read(number)
    if (bytes !== undefined) return bytes
    const { path } = closure.list.placeOf(number)
    throw new BundleWriteError(
      'chunk-missing',
      `expected ${path.described.path} in this machine's store, it is not here`,
      {
        hint: 'Write the bundle on the machine that built the release, or build it here: thymesh build',
      },
    )
  }

  #jobOf(chunks: readonly PlannedChunk[]): Omit<PackJob, 'given'> {
    const ids = new Uint8Array(hashLength * chunks.length)
    for (const [i, chunk] of chunks.entries()) ids.set(idOf(chunk), hashLength * i)
    const runs = Array.from(runsOf(chunks), ({ path, count, start, end }): PackRun => {
      const { described, recipe } = path
      const directory = this.#components.store.realPath(described.path)
      return { directory, narSize: recipe.size, start, count, references: within(recipe.positions, start, end) }
    })
    return { ids, lengths: Uint32Array.from(chunks, lengthOf), runs }
  }
}

/** Chunks that follow each other in the NAR of one path, from `start` to `end` (exclusive). */
interface Run {
  readonly path: PathChunks
  readonly start: number
  end: number
  count: number
}

function* runsOf(chunks: readonly PlannedChunk[]): Generator<Run> {
  let run: Run | undefined
  for (const chunk of chunks) {
    const { path, place } = chunk.closure.list.placeOf(chunk.number)
    const start = path.recipe.chunks[place]?.offset ?? 0
    if (run?.path === path && run.end === start) {
      run.count++
      run.end += lengthOf(chunk)
      continue
    }
    if (run !== undefined) yield run
    run = { path, start, end: start + lengthOf(chunk), count: 1 }
  }
  if (run !== undefined) yield run
}

/** Copies of the positions that overlap a range: a view would carry all of them to the thread. */
function within(positions: Positions, start: number, end: number): Positions {
  const from = firstPositionAfter(positions, start)
  let until = from
  while ((positions.offsets[until] ?? end) < end) until++
  return { offsets: positions.offsets.slice(from, until), slots: positions.slots.slice(from, until) }
}
