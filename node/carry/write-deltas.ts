/** Writes the deltas of a bundle: chunks as zstd frames whose dictionaries are older chunks that the receivers hold. */

import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import type { DeltaEntry } from '../../protocol/bundle/delta-index.ts'
import { encodePackBody, type PackItem, packBodyBytes } from '../../protocol/bundle/pack.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import type { Base } from '../../protocol/messages/swarm.ts'
import type { BundleWriter } from '../bundle/bundle-writer.ts'
import { packed } from '../bundle/packing.ts'
import type { Bases } from '../swarm/delta/bases.ts'
import { deltaLevel, deltaShare, packBytes, parallelDeltas } from './limits.ts'
import { lengthOf, type PlannedChunk } from './planned-chunk.ts'

const compress = promisify(zstdCompress)

export interface DeltaComponents {
  readonly read: (chunk: PlannedChunk) => Promise<Uint8Array>
  readonly bases: Pick<Bases, 'read'>
  readonly writer: BundleWriter
}

export interface WrittenDeltas {
  readonly entries: readonly DeltaEntry[]
  /** Chunks that are to be written whole. */
  readonly rest: readonly PlannedChunk[]
}

/** A delta that is worth it. */
interface Delta {
  readonly chunk: PlannedChunk
  readonly base: Base
  readonly frame: Uint8Array
}

export async function writeDeltas(
  components: DeltaComponents,
  chunks: readonly PlannedChunk[],
  baseOf: (chunk: PlannedChunk) => Base | undefined,
  init: { readonly onDelta: (chunkBytes: number) => void; readonly signal?: AbortSignal | undefined },
): Promise<WrittenDeltas> {
  const entries: DeltaEntry[] = []
  const rest: PlannedChunk[] = []
  let open: Delta[] = []
  let bytes = 0
  let number = 0
  const close = async () => {
    if (open.length === 0) return
    entries.push(...entriesOf(open, number))
    const items: PackItem[] = open.map(({ frame }) => ({ id: sha256(frame), bytes: frame }))
    await components.writer.add({ kind: 'deltas', number }, await packed(encodePackBody(items)))
    number++
    open = []
    bytes = 0
  }
  const making: { chunk: PlannedChunk; delta: Promise<Delta | undefined> }[] = []
  const takeNext = async () => {
    const next = making.shift()
    if (next === undefined) return
    init.signal?.throwIfAborted()
    const delta = await next.delta
    if (delta === undefined) {
      rest.push(next.chunk)
      return
    }
    if (packBodyBytes(open.length + 1, bytes + delta.frame.length) > packBytes) await close()
    open.push(delta)
    bytes += delta.frame.length
    init.onDelta(lengthOf(next.chunk))
  }
  try {
    for (const chunk of chunks) {
      const base = baseOf(chunk)
      const delta = base === undefined ? Promise.resolve(undefined) : deltaOf(components, chunk, base)
      delta.catch(() => {})
      making.push({ chunk, delta })
      while (making.length > parallelDeltas) await takeNext()
    }
    while (making.length > 0) await takeNext()
    await close()
  } finally {
    await Promise.allSettled(making.map(({ delta }) => delta))
  }
  return { entries, rest }
}

/** Undefined if it isn't much smaller than the chunk: in a pack with others, that would be as small. */
async function deltaOf({ read, bases }: DeltaComponents, chunk: PlannedChunk, base: Base): Promise<Delta | undefined> {
  const dictionary = await bases.read(base)
  if (dictionary === undefined) return undefined
  const plain = await read(chunk)
  const params = { [constants.ZSTD_c_compressionLevel]: deltaLevel }
  const frame = await compress(plain, { params, pledgedSrcSize: plain.length, dictionary })
  return frame.length < plain.length * deltaShare ? { chunk, base, frame } : undefined
}

function entriesOf(deltas: readonly Delta[], pack: number): DeltaEntry[] {
  let offset = packBodyBytes(deltas.length, 0)
  return deltas.map(({ chunk, base, frame }) => {
    const { closure, number } = chunk
    const entry = { id: closure.list.hash(number), pack, offset, packed: frame.length, length: lengthOf(chunk), base }
    offset += frame.length
    return entry
  })
}
