/** What deltas of a large program cost by where their bases are taken: at the same share of the old file, or found by content. */

import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { constants, zstdCompressSync } from 'node:zlib'
import { gearTable } from '../../../node/swarm/recipe/chunker.ts'

const MiB = 1024 ** 2
/** The new bytes that are looked at: one MiB in pieces of a chunk's size. */
const sampleBytes = MiB
const pieceBytes = 64 * 1024
/** The delta base of the swarm. */
const baseBytes = 512 * 1024
/** How far from the same share the old place may be. */
const reachBytes = 32 * MiB
/** Shifts are counted in bins of this size. */
const binBytes = 64 * 1024
/** Where so many high bits of the rolling hash are zero is a place to compare: once in 512 bytes. */
const hashShift = 23

interface Slice {
  readonly bytes: Buffer
  readonly size: number
  readonly start: number
}

/** Bytes of a file from a place that its size decides. */
async function slice(file: string, place: (size: number) => { start: number; length: number }): Promise<Slice> {
  await using handle = await open(file)
  const { size } = await handle.stat()
  const { start, length } = place(size)
  const bytes = Buffer.alloc(Math.min(length, size - start))
  await handle.read(bytes, 0, bytes.length, start)
  return { bytes, size, start }
}

/** Places that the content chooses, with what is there. */
function* landmarks(bytes: Buffer): Generator<{ key: string; at: number }, void> {
  let hash = 0
  for (let at = 0; at < bytes.length; at++) {
    hash = (hash << 2) ^ (gearTable[bytes[at] ?? 0] ?? 0)
    if (hash >>> hashShift === 0 && at >= 24) yield { key: bytes.toString('latin1', at - 20, at), at }
  }
}

/** How far the new bytes have moved within the old ones, by the shift that most landmarks share; undefined without any. */
function shiftOf(old: Buffer, fresh: Buffer): { shift: number; votes: number; of: number } | undefined {
  const places = new Map<string, number | undefined>()
  for (const { key, at } of landmarks(old)) places.set(key, places.has(key) ? undefined : at)
  const votes = new Map<number, number>()
  for (const { key, at } of landmarks(fresh)) {
    const place = places.get(key)
    if (place === undefined) continue
    const bin = Math.floor((place - at) / binBytes)
    votes.set(bin, (votes.get(bin) ?? 0) + 1)
  }
  const [best] = [...votes].toSorted(([, a], [, b]) => b - a)
  const of = [...votes.values()].reduce((sum, count) => sum + count, 0)
  return best && { shift: best[0] * binBytes, votes: best[1], of }
}

/** Bytes of all pieces as deltas at a level; the middle of each one's base is where `middle` says, none for no base. */
function cost(fresh: Buffer, level: number, old: Buffer, middle?: (at: number) => number): string {
  const params = { [constants.ZSTD_c_compressionLevel]: level }
  const before = process.cpuUsage()
  let bytes = 0
  for (let at = 0; at < fresh.length; at += pieceBytes) {
    const start = middle && Math.max(0, Math.min(old.length - baseBytes, Math.floor(middle(at) - baseBytes / 2)))
    const dictionary = start === undefined ? undefined : old.subarray(start, start + baseBytes)
    const piece = fresh.subarray(at, at + pieceBytes)
    bytes += zstdCompressSync(piece, { params, pledgedSrcSize: piece.length, ...(dictionary && { dictionary }) }).length
  }
  const { user, system } = process.cpuUsage(before)
  return `${((100 * bytes) / fresh.length).toFixed(1)} % in ${((user + system) / 1e6).toFixed(2)} s`
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { at: { type: 'string', default: '0.5' }, level: { type: 'string', default: '3' } },
})
const [oldFile, newFile] = positionals
if (oldFile === undefined || newFile === undefined) {
  process.stderr.write('usage: delta-places.ts OLD NEW [--at SHARE] [--level ZSTD-LEVEL]\n')
  process.exit(2)
}
const share = Number(values.at)
const level = Number(values.level)
const fresh = await slice(newFile, size => ({ start: Math.floor(size * share), length: sampleBytes }))
const same = (size: number) => Math.floor((fresh.start / fresh.size) * size)
const old = await slice(oldFile, size => {
  const start = Math.max(0, same(size) - reachBytes)
  return { start, length: same(size) + reachBytes - start }
})
const sameShift = same(old.size) - old.start
const found = shiftOf(old.bytes, fresh.bytes)
const base = (shift: number) => (at: number) => shift + at + pieceBytes / 2
const said = {
  at: share,
  level,
  movedKiB: found && Math.round((found.shift - sameShift) / 1024),
  votes: found && `${found.votes} of ${found.of}`,
  alone: cost(fresh.bytes, level, old.bytes),
  sameShare: cost(fresh.bytes, level, old.bytes, base(sameShift)),
  found: cost(fresh.bytes, level, old.bytes, base((found?.shift ?? sameShift) + binBytes / 2)),
}
process.stdout.write(`${JSON.stringify(said)}\n`)
