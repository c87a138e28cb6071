/** Unpacks the deltas of bundles as those of peers: never to more bytes than the chunk has, and hashed. */

import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import type { Bases } from '../delta/bases.ts'
import { unpack } from '../session/unpack.ts'
import type { Deltas } from '../staging/bundled-chunks.ts'

export function deltasBy(bases: Pick<Bases, 'here' | 'read'>): Deltas {
  return {
    here: wanted => bases.here(wanted),
    unpack: async ({ id, base, length }, frame) => {
      const dictionary = await bases.read(base)
      const bytes = dictionary && (await unpack(frame, length, dictionary).catch(() => undefined))
      return bytes !== undefined && equalBytes(sha256(bytes), id) ? bytes : undefined
    },
  }
}
