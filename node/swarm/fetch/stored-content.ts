/** Refuses to build upon paths that the store has with other content than the release describes. */

import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { parseNixPublicKey, verifyPath } from '../../../protocol/nix/signature.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import { storeError } from '../../store/store-error.ts'
import type { PathChunks } from '../chunks/chunk-list.ts'

/**
 * A path that is in the store already was perhaps built or imported there by others, since its name doesn't determine its
 * content. It must have the NAR hash that the closure describes, or be signed with its own by a trusted key, as another
 * build of the same path is. The hashes come from the store's database.
 *
 * @throws StoreError `other-content` for the first path that is neither; NixFormatError for an invalid key.
 */
export async function requireStoredContent(
  store: Pick<NixStore, 'pathInfos'>,
  valid: readonly PathChunks[],
  trusted: readonly string[],
): Promise<void> {
  const infos = await store.pathInfos(valid.map(({ described }) => described.path))
  const others = valid.filter(({ described: { path, narHash } }) => {
    const info = infos.get(path)
    return info !== undefined && !equalBytes(info.narHash, narHash)
  })
  if (others.length === 0) return
  const keys = trusted.map(parseNixPublicKey)
  for (const { described } of others) {
    const info = infos.get(described.path)
    if (info === undefined || info.signatures.some(signature => verifyPath(info, signature, keys))) continue
    const got = 'other content, which no trusted key has signed'
    throw storeError('other-content', `expected ${described.path} as the release describes it, the store has ${got}`)
  }
}
