/** Checks a whole bundle without a device: every hash, the signatures, and whether its closures are complete. */

import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import type { BundleManifest } from '../../protocol/bundle/manifest.ts'
import { type Closure, closureCodec } from '../../protocol/closure/closure.ts'
import { decodeRecipe } from '../../protocol/closure/recipe.ts'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import { type Release, releaseCodec } from '../../protocol/release/release.ts'
import { fleetIdOf, namedRelease, releaseTarget } from '../../protocol/trust/fleet.ts'
import { refresh } from '../../protocol/trust/refresh.ts'
import { withExtensions } from '../../protocol/trust/release-extensions.ts'
import { trustRoot } from '../../protocol/trust/trusted-set.ts'
import { Bundle } from '../bundle/bundle.ts'
import { openByteSource } from '../bundle/byte-source.ts'
import { verifyBundle } from '../bundle/verify-bundle.ts'
import { withShards } from '../state/sharded-release.ts'

export interface CheckedBundle {
  readonly manifest: BundleManifest
  /** Bytes of the archive. */
  readonly bytes: number
  /** When the metadata expires. */
  readonly expires: string | null
  /** Documents and chunks that the fleet's release names and the bundle lacks: other volumes or the receivers have them. */
  readonly missingDocuments: number
  readonly missingChunks: number
}

/** What `bundle.json` says, unverified, and the number of packs. */
export async function showBundle(path: string): Promise<BundleManifest> {
  const bundle = await Bundle.open(path)
  await bundle.close()
  return bundle.manifest
}

/**
 * Throws a BundleError for a damaged bundle, a TrustError or MetadataError for signatures that don't fit. The fleet's
 * first root, and whether the metadata is the newest, only a device can tell.
 */
export async function checkBundle(path: string, onProgress?: (bytes: number) => void): Promise<CheckedBundle> {
  const source = await openByteSource(path)
  const bytes = await verifyBundle(source, onProgress).finally(() => source.close())
  const bundle = await Bundle.open(path)
  try {
    const { manifest } = bundle
    const first = await bundle.file({ kind: 'root', version: 1 })
    if (first === undefined || fleetIdOf(first) !== manifest.fleet) {
      throw new BundleError('other-fleet', 'expected the first root of the fleet that bundle.json names', {
        hint: 'Write the bundle again with `thymesh bundle write`.',
      })
    }
    const set = await refresh(trustRoot(first), bundle.metadata, undefined)
    const named = namedRelease(set)
    const document = named && (await bundle.document(named.hash))
    const plain = document && withExtensions(releaseCodec.decode(document), set.targets, releaseTarget)
    const release = plain && (await withShards(plain, hash => bundle.document(hash)))
    const missing = await missingOf(bundle, release)
    return { manifest, bytes, expires: set.timestamp?.signed.expires ?? null, ...missing }
  } finally {
    await bundle.close()
  }
}

async function missingOf(bundle: Bundle, release: Release | undefined) {
  const isWithoutManifest = release?.sharded !== undefined && release.sharded.devicesOf === undefined
  let missingDocuments = release === undefined || isWithoutManifest ? 1 : 0
  const chunks = new Map<string, Uint8Array>()
  const recipes = new Map<string, Uint8Array>()
  for (const { closure } of Object.values(release?.configs ?? {})) {
    const bytes = await bundle.document(hashOfCid(closure))
    if (bytes === undefined) missingDocuments++
    for (const { recipe } of bytes === undefined ? [] : described(bytes)) recipes.set(toHex(recipe), recipe)
  }
  for (const id of recipes.values()) {
    const bytes = await bundle.document(id)
    if (bytes === undefined) missingDocuments++
    for (const { hash } of bytes === undefined ? [] : decodeRecipe(bytes).chunks) chunks.set(toHex(hash), hash)
  }
  const found = await bundle.find([...chunks.values()])
  return { missingDocuments, missingChunks: found.filter(entry => entry === undefined).length }
}

function described(bytes: Uint8Array): Closure['paths'] {
  return closureCodec.decode(bytes).paths
}
