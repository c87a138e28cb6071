/** In which order peers send one message: by rendezvous hash, so that all compute the same and the work is spread. */

import { crc32 } from 'node:zlib'
import { notifiers } from './limits.ts'

/** The place of a peer among those that can send, 0 for the first; undefined for one that is too far behind. */
export function placeAmong(candidates: Iterable<string>, own: string, mark: string): number | undefined {
  const seed = crc32(mark)
  const mine = weight(seed, own)
  let [place, found] = [0, false]
  for (const name of candidates) {
    if (name === own) {
      found = true
      continue
    }
    const other = weight(seed, name)
    if (other > mine || (other === mine && name < own)) place++
  }
  return found && place < notifiers ? place : undefined
}

const hashes = new Map<string, number>()
const maxHashes = 20_000

/** Mixed as MurmurHash3 ends (Appleby, public domain): a checksum alone would order all messages alike. */
function weight(seed: number, name: string): number {
  const known = hashes.get(name)
  const hash = known ?? crc32(name)
  if (known === undefined && hashes.size < maxHashes) hashes.set(name, hash)
  let mixed = seed ^ hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
