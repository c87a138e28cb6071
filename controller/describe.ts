/** Closure descriptors out of the store that built them: each path pinned by its NAR hash and signed for Nix. */

import type { NixStore } from '../node/store/nix-store.ts'
import type { Closure } from '../protocol/closure.ts'
import { type NixSecretKey, signPath } from '../protocol/nix/signature.ts'

/** Describes and signs the closure of a top level that is in the store. */
export async function describeClosure(
  store: Pick<NixStore, 'closure'>,
  topLevel: string,
  key: NixSecretKey,
): Promise<Closure> {
  const infos = await store.closure(topLevel)
  const places = new Map(infos.map(({ path }, place) => [path, place]))
  return {
    v: 1,
    paths: infos.map(info => ({
      path: info.path,
      narHash: info.narHash,
      narSize: info.narSize,
      references: info.references.map(reference => {
        const place = places.get(reference)
        if (place === undefined)
          throw new RangeError(`${info.path} references ${reference}, which is not in its closure`)
        return place
      }),
      signatures: [signPath(info, key)],
    })),
  }
}
