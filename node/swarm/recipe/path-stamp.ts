/** A path's stamp: a hash of what the file system says of its files, which changes when one is written. No file is read. */

import { createHash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs'
import { TimeSlice } from '../../concurrency/time-slice.ts'
import { stampSliceMs } from '../limits.ts'

const slash = Buffer.from('/')
/** Of all stamps together: those of many small paths follow each other. */
const slice = new TimeSlice(stampSliceMs)

/**
 * The stamp of a real path: SHA-256 over names, modes, sizes and times of all below it. Undefined if it can't be walked, as
 * when it is gone. A disk that loses bits by itself leaves it as it is.
 */
export async function stampOf(root: string): Promise<Uint8Array | undefined> {
  const hash = createHash('sha256')
  try {
    // Without waiting for each call, which costs ten times as much: others get their turn between entries.
    for (const text of walked(Buffer.from(root), lstatSync(root, { bigint: true }))) {
      hash.update(text)
      await slice.step()
    }
  } catch {
    return undefined
  }
  return hash.digest()
}

/** The same at once, for threads that do nothing else. */
export function stampOfSync(root: string): Uint8Array | undefined {
  const hash = createHash('sha256')
  try {
    for (const text of walked(Buffer.from(root), lstatSync(root, { bigint: true }))) hash.update(text)
  } catch {
    return undefined
  }
  return hash.digest()
}

function* walked(path: Buffer, stats: BigIntStats): Generator<string, void> {
  // The time of change is the kernel's own: writing bytes, or setting the other time back, sets it.
  yield `${stats.mode} ${stats.isDirectory() ? 0 : stats.size} ${stats.mtimeNs} ${stats.ctimeNs}\n`
  if (!stats.isDirectory()) return
  const names = readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare)
  for (const name of names) {
    const child = Buffer.concat([path, slash, name])
    yield `${name.toString('hex')} `
    yield* walked(child, lstatSync(child, { bigint: true }))
  }
}
