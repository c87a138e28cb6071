/**
 * Fills the bodies of packs out of the store. A pack's chunks mostly follow each other in one NAR: they are read in one piece,
 * straight to their places, into buffers that later packs use again.
 */

import { packBodyBytes, writePackList } from '../../protocol/bundle/pack.ts'
import { equalBytes, sha256 } from '../../protocol/encoding/hash.ts'
import type { NarReader } from '../store/nar/nar-reader.ts'
import type { PathChunks } from '../swarm/chunks/chunk-list.ts'
import { isGone } from '../swarm/chunks/chunk-reader.ts'
import { normaliseRange } from '../swarm/recipe/normalise.ts'
import type { SwarmService } from '../swarm/session/swarm-service.ts'
import { BundleWriteError } from './bundle-write-error.ts'
import { packBytes } from './limits.ts'
import { idOf, lengthOf, type PlannedChunk } from './planned-chunk.ts'

export interface PackBodyComponents {
  readonly store: { nar(path: string): Promise<Pick<NarReader, 'readInto'>> }
  /** Chunks that the store's path doesn't give: staged ones, or of another path. */
  readonly swarms: Pick<SwarmService, 'open'>
}

/** Chunks that follow each other in the NAR of one path. */
interface Run {
  readonly path: PathChunks
  readonly chunks: PlannedChunk[]
  /** Of the NAR. */
  readonly start: number
  end: number
}

interface OpenNar {
  readonly path: PathChunks
  /** Undefined if the store can't read this path. */
  readonly nar: Pick<NarReader, 'readInto'> | undefined
}

export class PackBodies {
  readonly #components: PackBodyComponents
  readonly #free: Buffer[] = []
  #open: OpenNar | undefined

  constructor(components: PackBodyComponents) {
    this.#components = components
  }

  /**
   * Reads a pack's body, then calls `use`, whose result is resolved to as a promise: what `use` does goes on, and the body is
   * its own until then. Throws a BundleWriteError if a chunk is nowhere here; errors of the store.
   */
  async with(
    chunks: readonly PlannedChunk[],
    use: (body: Uint8Array) => Promise<Uint8Array>,
  ): Promise<{ readonly used: Promise<Uint8Array> }> {
    const size = packBodyBytes(
      chunks.length,
      chunks.reduce((sum, chunk) => sum + lengthOf(chunk), 0),
    )
    const buffer =
      (size <= packBytes ? this.#free.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(size, packBytes))
    const body = buffer.subarray(0, size)
    let at = writePackList(
      body,
      chunks.map(chunk => ({ id: idOf(chunk), length: lengthOf(chunk) })),
    )
    for (const run of runsOf(chunks)) {
      const into = body.subarray(at, at + run.end - run.start)
      await this.#fill(run, into)
      at += into.length
    }
    const used = use(body).finally(() => this.#free.push(buffer))
    used.catch(() => {})
    return { used }
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

  async #fill({ path, chunks, start }: Run, into: Buffer): Promise<void> {
    await this.#readRun(path, start, into)
    let at = 0
    for (const chunk of chunks) {
      const place = into.subarray(at, at + lengthOf(chunk))
      if (!equalBytes(sha256(place), idOf(chunk))) place.set(await this.chunk(chunk))
      at += place.length
    }
  }

  /** Leaves anything in the buffer if the path is not as it was registered: each chunk is verified. */
  async #readRun(path: PathChunks, start: number, into: Buffer): Promise<void> {
    const nar = await this.#nar(path)
    if (nar === undefined) return
    try {
      await nar.readInto(into, start)
      normaliseRange(into, start, path.recipe.positions)
    } catch (thrown) {
      if (!isGone(thrown)) throw thrown
      this.#open = { path, nar: undefined }
    }
  }

  /** The NAR of the path that is being read: packs follow the order of paths. */
  async #nar(path: PathChunks): Promise<OpenNar['nar']> {
    if (this.#open?.path === path) return this.#open.nar
    const nar = await this.#components.store.nar(path.described.path).catch((thrown: unknown) => {
      if (isGone(thrown)) return undefined
      throw thrown
    })
    this.#open = { path, nar }
    return nar
  }
}

function* runsOf(chunks: readonly PlannedChunk[]): Generator<Run> {
  let run: Run | undefined
  for (const chunk of chunks) {
    const { path, place } = chunk.closure.list.placeOf(chunk.number)
    const start = path.recipe.chunks[place]?.offset ?? 0
    if (run?.path === path && run.end === start) {
      run.chunks.push(chunk)
      run.end += lengthOf(chunk)
      continue
    }
    if (run !== undefined) yield run
    run = { path, chunks: [chunk], start, end: start + lengthOf(chunk) }
  }
  if (run !== undefined) yield run
}
