/** What one closure has that others have not, by their recipes: the bytes that a device has to fetch. */

import { toHex } from '../../../protocol/encoding/hash.ts'
import type { KnownClosure } from './closures.ts'

/** Bytes of the distinct chunks of closures that no base has, before compression. */
export function newChunkBytes(closures: readonly KnownClosure[], bases: readonly KnownClosure[]): number {
  const known = new Set(
    bases.flatMap(({ list }) => Array.from(list.lengths.keys(), number => toHex(list.hash(number)))),
  )
  let bytes = 0
  for (const { list } of closures) {
    for (const number of list.lengths.keys()) {
      const id = toHex(list.hash(number))
      if (known.has(id)) continue
      known.add(id)
      bytes += list.length(number)
    }
  }
  return bytes
}
