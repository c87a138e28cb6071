/** A path's stamp: a hash of what the file system says of its files, which changes when one is written. No file is read. */

import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'

/** Entries of a folder that are looked at in one go: enough for all threads of libuv. */
const atOnce = 64

/**
 * The stamp of a real path: SHA-256 over names, modes, sizes and times of all below it. Undefined if it can't be walked, as
 * when it is gone. A disk that loses bits by itself leaves it as it is.
 */
export async function stampOf(root: string): Promise<Uint8Array | undefined> {
  const hash = createHash('sha256')
  try {
    await walk(Buffer.from(root), await lstat(root, { bigint: true }), text => hash.update(text))
  } catch {
    return undefined
  }
  return hash.digest()
}

async function walk(path: Buffer, stats: BigIntStats, tell: (text: string) => void): Promise<void> {
  // The time of change is the kernel's own: writing bytes, or setting the other time back, sets it.
  tell(`${stats.mode} ${stats.isDirectory() ? 0 : stats.size} ${stats.mtimeNs} ${stats.ctimeNs}\n`)
  if (!stats.isDirectory()) return
  const names = await readdir(path, { encoding: 'buffer' })
  names.sort(Buffer.compare)
  for (let from = 0; from < names.length; from += atOnce) {
    const batch = names.slice(from, from + atOnce)
    const children = batch.map(name => Buffer.concat([path, slash, name]))
    const all = await Promise.all(children.map(child => lstat(child, { bigint: true })))
    for (const [at, child] of children.entries()) {
      const of = all[at]
      tell(`${batch[at]?.toString('hex')} `)
      if (of !== undefined) await walk(child, of, tell)
    }
  }
}

const slash = Buffer.from('/')
