/** Refuses paths that no trusted key signed before a byte of them is fetched. */

import { parseNixPublicKey, verifyPath } from '../../../protocol/nix/signature.ts'
import { storeError } from '../../store/store-error.ts'
import type { PathChunks } from '../chunks/chunk-list.ts'

/** Signatures checked before others get their turn: some 10 ms on a small board. */
const batchSize = 64

/**
 * Nix checks signatures too, but its daemon may take the whole NAR before it says no (2.8 does), and a path is imported
 * only after what it references. `trusted` as `trusted-public-keys` has them, `name:base64`.
 *
 * @throws StoreError `signature-refused` for the first path that none of the keys signed; NixFormatError for a key.
 */
export async function requireSignatures(paths: readonly PathChunks[], trusted: readonly string[]): Promise<void> {
  const keys = trusted.map(parseNixPublicKey)
  for (const [i, { described, references }] of paths.entries()) {
    const info = { path: described.path, narHash: described.narHash, narSize: described.narSize, references }
    if (!described.signatures.some(signature => verifyPath(info, signature, keys))) {
      const names = keys.map(({ name }) => name).join(', ') || 'no key at all'
      throw storeError('signature-refused', `Expected a signature of ${described.path} by ${names}`)
    }
    if (i % batchSize === batchSize - 1) await new Promise(resolve => setImmediate(resolve))
  }
}
