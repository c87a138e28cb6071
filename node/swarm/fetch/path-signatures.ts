/** Rejects paths without a trusted signature before anything of them is fetched. */

import { parseNixPublicKey, verifyPath } from '../../../protocol/nix/signature.ts'
import { TimeSlice } from '../../concurrency/time-slice.ts'
import { storeError } from '../../store/store-error.ts'
import type { PathChunks } from '../chunks/chunk-list.ts'

/** How long signatures are checked at a time, in milliseconds. */
const sliceMs = 10

/**
 * Nix verifies signatures too, but its daemon may receive the whole NAR first (2.8 does), and a path is imported only
 * after its references. `trusted` is in the format of `trusted-public-keys`, `name:base64`.
 *
 * @throws StoreError `signature-refused` for the first path that none of the keys signed; NixFormatError for an
 * invalid key.
 */
export async function requireSignatures(paths: readonly PathChunks[], trusted: readonly string[]): Promise<void> {
  const keys = trusted.map(parseNixPublicKey)
  const slice = new TimeSlice(sliceMs)
  for (const { described, references } of paths) {
    const info = { path: described.path, narHash: described.narHash, narSize: described.narSize, references }
    if (!described.signatures.some(signature => verifyPath(info, signature, keys))) {
      const names = keys.map(({ name }) => name).join(', ') || 'no key at all'
      throw storeError('signature-refused', `Expected a signature of ${described.path} by ${names}`)
    }
    await slice.step()
  }
}
