/** Closure descriptors out of the store that built them: each path signed for Nix, with the recipe that rebuilds it. */

import { z } from 'zod'
import type { MeshPeer } from '../../node/peer/mesh-peer.ts'
import type { Table } from '../../node/state/database.ts'
import type { PathInfo } from '../../node/store/path-info.ts'
import { RecipePool } from '../../node/swarm/recipe/recipe-pool.ts'
import type { Closure } from '../../protocol/closure/closure.ts'
import { codec } from '../../protocol/encoding/cbor.ts'
import { bytesSchema } from '../../protocol/encoding/fields.ts'
import { equalBytes, hashLength, toHex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { type NixSecretKey, signPath } from '../../protocol/nix/signature.ts'
import { storePathSchema } from '../../protocol/nix/store-path.ts'

/** How many recipes had to be made, and how many of those are. */
export type RecipeProgress = (made: number, of: number) => void

/** The parts of the controller's peer that are needed; `described` is its table of recipes made before, by store path. */
export type DescribePeer = Pick<MeshPeer, 'store' | 'state'> & { described: Table }

/** A path's recipe by its ID, the NAR it was made of, and its references in slot order: remembered per store path. */
const describedSchema = z.strictObject({
  narHash: bytesSchema(hashLength),
  recipe: bytesSchema(hashLength),
  references: z.array(storePathSchema).max(limits.closurePaths),
})
type Described = z.infer<typeof describedSchema>
const describedCodec = codec<Described>('described path', limits.closure, describedSchema)

/**
 * Describes and signs the closure of a top level that is in the store. Recipes are made for paths that are new, in threads,
 * and remembered. Throws a RecipePoolError when the files of a path aren't those that Nix registered.
 */
export async function describeClosure(
  peer: DescribePeer,
  topLevel: string,
  key: NixSecretKey,
  onProgress: RecipeProgress = () => {},
): Promise<Closure> {
  const infos = await peer.store.closure(topLevel)
  const described = await describePaths(peer, infos, onProgress)
  const places = new Map(infos.map(({ path }, place) => [path, place]))
  return {
    v: 1,
    paths: infos.map(info => {
      const { recipe, references } = described.get(info.path) ?? { recipe: new Uint8Array(), references: [] }
      return {
        path: info.path,
        narHash: info.narHash,
        narSize: info.narSize,
        references: references.map(reference => {
          const place = places.get(reference)
          if (place === undefined) throw new RangeError(`${info.path} references ${reference}, not in its closure`)
          return place
        }),
        recipe,
        signatures: [signPath(info, key)],
      }
    }),
  }
}

/** Recipes of described paths that are still in the store, SHA-256 in hex: the next release names most of them. */
export async function describedRecipes({ store, described }: DescribePeer): Promise<string[]> {
  const known = new Map<string, Described | undefined>()
  for await (const [path, bytes] of described.entries()) known.set(path, knownFrom(bytes))
  // Where the store can't be asked, all count as being there.
  const valid = await store.validPaths([...known.keys()]).catch(() => new Set(known.keys()))
  for (const path of known.keys()) if (!valid.has(path)) await described.delete(path)
  return [...known].flatMap(([path, about]) => (about && valid.has(path) ? [toHex(about.recipe)] : []))
}

async function describePaths(
  { store, described: remembered, state }: DescribePeer,
  infos: readonly PathInfo[],
  onProgress: RecipeProgress,
): Promise<Map<string, Described>> {
  const described = new Map<string, Described>()
  const fresh: PathInfo[] = []
  for (const info of infos) {
    const known = knownFrom(await remembered.get(info.path))
    // The same path may have been collected and built again, with other bytes.
    const fits = known !== undefined && equalBytes(known.narHash, info.narHash)
    if (fits && (await state.document(known.recipe)) !== undefined) described.set(info.path, known)
    else fresh.push(info)
  }
  if (fresh.length === 0) return described
  const pool = new RecipePool()
  pool.start()
  try {
    let made = 0
    onProgress(made, fresh.length)
    await Promise.all(
      fresh.map(async info => {
        const { path, narHash, narSize, references } = info
        const recipe = await pool.make({ path, narHash, narSize, references, directory: store.realPath(path) })
        const known = { narHash, recipe: recipe.id, references: [...recipe.references] }
        await state.keepDocument(recipe.bytes)
        await remembered.put(path, describedCodec.encode(known))
        described.set(path, known)
        onProgress(++made, fresh.length)
      }),
    )
  } finally {
    await pool.stop()
  }
  return described
}

/** What was remembered of a path; nothing when it can't be read: it is made anew. */
function knownFrom(bytes: Uint8Array | undefined): Described | undefined {
  try {
    return bytes && describedCodec.decode(bytes)
  } catch {
    return undefined
  }
}
