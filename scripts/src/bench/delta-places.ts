/** What deltas of a large program cost by where their bases are taken: as without shifts, or as the shifts of a release tell. */

import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { constants, zstdCompressSync } from 'node:zlib'
import { align, type Run } from '../../../node/swarm/delta/align.ts'
import { findShifts } from '../../../node/swarm/delta/find-shifts.ts'
import { landmarksOf } from '../../../node/swarm/delta/landmarks.ts'
import { Chunker } from '../../../node/swarm/recipe/chunker.ts'
import type { Chunk, Recipe } from '../../../protocol/closure/recipe.ts'
import { shiftsCodec } from '../../../protocol/closure/shifts.ts'
import { sha256, toHex } from '../../../protocol/encoding/hash.ts'

const pieceBytes = 1024 ** 2

/** The chunks of a file as if it were a whole NAR. */
function recipeOf(bytes: Uint8Array): Recipe {
  const chunker = new Chunker()
  const chunks: Chunk[] = []
  for (let start = 0; start < bytes.length; ) {
    const border = chunker.next(bytes, start)
    const end = border === -1 ? bytes.length : border
    chunks.push({ hash: sha256(bytes.subarray(start, end)), offset: start, length: end - start })
    start = end
  }
  return {
    size: bytes.length,
    chunks,
    slotCount: 0,
    positions: { offsets: new Float64Array(), slots: new Uint32Array() },
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

/** Seconds of a processor. */
function processor(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: 'string', default: '1' }, level: { type: 'string', default: '3' } },
})
const [oldFile, newFile] = positionals
if (oldFile === undefined || newFile === undefined) {
  process.stderr.write('usage: delta-places.ts OLD NEW [--every CHUNKS] [--level ZSTD-LEVEL]\n')
  process.exit(2)
}
const params = { [constants.ZSTD_c_compressionLevel]: Number(values.level) }
const [old, fresh] = [await readFile(oldFile), await readFile(newFile)]
const [before, after] = [recipeOf(old), recipeOf(fresh)]

const beganAt = processor()
const cells = findShifts(await landmarksOf(pieces(old)), await landmarksOf(pieces(fresh)), fresh.length)
const comparing = processor() - beganAt
const known = cells.filter(cell => cell !== undefined)
const length = cells.findLastIndex(cell => cell !== undefined) + 1
const pair = { from: sha256(old), to: sha256(fresh), cells: cells.slice(0, length) }

const here = new Set(before.chunks.map(({ hash }) => toHex(hash)))
const lacking = after.chunks.flatMap(({ hash }, place) => (here.has(toHex(hash)) ? [] : [place]))
const sampled = lacking.filter((_, i) => i % Number(values.every) === 0)

/** All sampled chunks as frames with these bases. */
function cost(runs: readonly (Run | undefined)[]): string {
  const began = processor()
  let bytes = 0
  let whole = 0
  for (const place of sampled) {
    const { offset, length: size } = after.chunks[place] as Chunk
    const { first = 0, count = 0 } = runs[place] ?? {}
    const [start, end] = [before.chunks[first], before.chunks[first + count - 1]]
    const dictionary = count > 0 && start && end && old.subarray(start.offset, end.offset + end.length)
    const options = { params, pledgedSrcSize: size, ...(dictionary && { dictionary }) }
    bytes += zstdCompressSync(fresh.subarray(offset, offset + size), options).length
    whole += size
  }
  const milliseconds = (1000 * (processor() - began)) / (whole / 1e6)
  return `${((100 * bytes) / whole).toFixed(1)} % at ${milliseconds.toFixed(0)} ms a MB`
}

const said = {
  megabytes: Math.round(fresh.length / 1e6),
  lacking: Math.round(lacking.reduce((sum, place) => sum + (after.chunks[place]?.length ?? 0), 0) / 1e6),
  level: Number(values.level),
  alone: cost([]),
  plain: cost(align(before, after)),
  shifts: cost(align(before, after, { cells })),
  known: `${known.length} of ${cells.length}`,
  movedKiB: known.length > 0 && [Math.min(...known), Math.max(...known)],
  documentBytes: length > 0 && shiftsCodec.encode([pair]).length,
  comparing: `${comparing.toFixed(1)} s of a processor`,
}
process.stdout.write(`${JSON.stringify(said)}\n`)
