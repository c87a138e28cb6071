/**
 * The thread that makes packs: it reads runs of chunks out of the store's files straight to their places in a body, verifies
 * each chunk, and compresses. A thread of its own waits for no turn: neither for libuv's threads nor for the event loop.
 */

import { packBodyBytes, writePackList } from '../../protocol/bundle/pack.ts'
import type { Positions } from '../../protocol/closure/positions.ts'
import { equalBytes, hashLength, sha256 } from '../../protocol/encoding/hash.ts'
import { packedSync } from '../bundle/packing.ts'
import { serveJobs } from '../concurrency/thread.ts'
import { layOutNarSync } from '../store/nar/nar-layout.ts'
import type { NarLayout } from '../store/nar/nar-table.ts'
import { readNarSync } from '../store/nar/read-nar-sync.ts'
import { isGone } from '../store/store-error.ts'
import { normaliseRange } from '../swarm/recipe/normalise.ts'
import { packBytes } from './limits.ts'

/** Chunks that follow each other in the NAR of one path. */
export interface PackRun {
  /** Where the path's files are. */
  readonly directory: string
  readonly narSize: number
  /** Of the first chunk in the NAR. */
  readonly start: number
  /** How many chunks. */
  readonly count: number
  /** The references that overlap the run. */
  readonly references: Positions
}

export interface PackJob {
  /** SHA-256 of each chunk, one after another, and the length of each. */
  readonly ids: Uint8Array
  readonly lengths: Uint32Array
  readonly runs: readonly PackRun[]
  /** Verified chunks by their number in the pack, which the files don't give. */
  readonly given: ReadonlyMap<number, Uint8Array>
}

/** The pack's frame, or the chunks that the files don't give. */
export type PackResult = { readonly frame: Uint8Array<ArrayBuffer> } | { readonly missing: readonly number[] }

/** Of the path that was read last: packs follow the order of paths. */
let last: { readonly directory: string; readonly layout: NarLayout } | undefined
let buffer = Buffer.allocUnsafeSlow(packBytes)

serveJobs<PackJob, PackResult>(
  async job => make(job),
  result => ('frame' in result ? [result.frame.buffer] : []),
)

function make({ ids, lengths, runs, given }: PackJob): PackResult {
  const items = Array.from(lengths, (length, i) => ({ id: ids.subarray(hashLength * i, hashLength * (i + 1)), length }))
  const size = packBodyBytes(
    items.length,
    lengths.reduce((sum, length) => sum + length, 0),
  )
  if (size > buffer.length) buffer = Buffer.allocUnsafeSlow(size)
  const body = buffer.subarray(0, size)
  let at = writePackList(body, items)
  const missing: number[] = []
  let next = 0
  for (const run of runs) {
    const chunks = items.slice(next, next + run.count)
    const into = body.subarray(at, at + chunks.reduce((sum, { length }) => sum + length, 0))
    read(run, into)
    for (const [i, { id, length }] of chunks.entries()) {
      const place = body.subarray(at, at + length)
      const here = given.get(next + i)
      if (here !== undefined) place.set(here)
      else if (!equalBytes(sha256(place), id)) missing.push(next + i)
      at += length
    }
    next += run.count
  }
  return missing.length > 0 ? { missing } : { frame: packedSync(body) }
}

/** Leaves anything in `into` if the path is not as it was registered: each chunk is verified. */
function read({ directory, narSize, start, references }: PackRun, into: Buffer): void {
  try {
    if (last?.directory !== directory) last = { directory, layout: layOutNarSync(directory) }
    const { layout } = last
    if (layout.size !== narSize) return
    readNarSync(layout, into, start)
    normaliseRange(into, start, references)
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown
  }
}
