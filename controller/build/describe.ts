/** Closure descriptors out of the store that built them: each path signed for Nix, with the recipe that rebuilds it. */

import type { OwnClosures, RecipeProgress } from '../../node/peer/controller-peer.ts'
import type { Closure } from '../../protocol/closure/closure.ts'
import { type NixSecretKey, signPath } from '../../protocol/nix/signature.ts'

/** Describes and signs the closure of a top level that is in the store. Throws what `OwnClosures.describe` throws. */
export async function describeClosure(
  closures: Pick<OwnClosures, 'describe'>,
  topLevel: string,
  key: NixSecretKey,
  onProgress?: RecipeProgress,
): Promise<Closure> {
  const described = await closures.describe(topLevel, onProgress)
  const places = new Map(described.map(({ path }, place) => [path, place]))
  return {
    v: 1,
    paths: described.map(each => {
      const { path, narHash, narSize, recipe } = each
      const references = each.references.map(reference => {
        const place = places.get(reference)
        if (place === undefined) throw new RangeError(`${path} references ${reference}, not in its closure`)
        return place
      })
      return { path, narHash, narSize, references, recipe, signatures: [signPath(each, key)] }
    }),
  }
}
