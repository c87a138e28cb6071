/** A release that is too large for one document becomes a sharded one, before it is signed. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { asSigned } from '../../protocol/release/join-shards.ts'
import { type Release, releaseCodec } from '../../protocol/release/release.ts'
import { shardsManifestOf } from '../../protocol/release/shards.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { MetadataError } from '../../protocol/trust/metadata.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { customOf } from '../../protocol/trust/release-extensions.ts'
import { acceptedOf } from '../signing/proposing.ts'

/** Bytes of the largest document; less in tests of sharded releases. */
const documentBytes = Math.min(
  limits.release,
  Number(process.env.THYMESH_SHARD_ABOVE ?? limits.release) || limits.release,
)

/**
 * The content as it is signed: the same if it fits into one document or is split already, else without devices and configs, which are kept here as shards
 * that others fetch by their hash.
 */
export async function fitContent(
  { state, fleet }: Pick<ControllerPeer, 'state' | 'fleet'>,
  content: ReleaseContent,
  now: Date,
): Promise<ReleaseContent> {
  const { trusted } = acceptedOf({ state })
  // Which devices are in which wave depends on the version: the one that it will have.
  const version = (trusted.targets?.signed.version ?? 0) + 1
  const { sharded: _, ...release }: Release = { ...content, v: 1, fleet, version, created: timeText(now) }
  if (shardsManifestOf(release) !== undefined || fits(release, documentBytes)) return contentOf(release)
  const { plain, documents } = splitRelease(release, Math.min(limits.releaseShardAim, documentBytes))
  for (const bytes of documents) await state.keepDocument(bytes)
  return contentOf(asSigned(plain))
}

/** Whether a release and its extensions fit into a document of so many bytes, and into the metadata that names it. */
function fits({ extensions, ...release }: Release, bytes: number): boolean {
  try {
    customOf(extensions)
    return releaseCodec.encode(release).length <= bytes
  } catch (thrown) {
    // What else is wrong with it is said where it is signed.
    if (thrown instanceof FormatError) return thrown.code !== 'too-large'
    if (thrown instanceof MetadataError) return false
    throw thrown
  }
}

function contentOf({ v: _v, fleet: _f, version: _n, created: _c, sharded: _s, ...content }: Release): ReleaseContent {
  return content
}
