/** All that a signature on a proposal would cover, beside what holds now: part by part, each difference of the signed bytes. */

import { CID } from 'multiformats/cid'
import { sha256Hex } from '../../protocol/encoding/hash.ts'
import type { Revocations } from '../../protocol/members/revocations.ts'
import { revocationsCodec } from '../../protocol/members/revocations.ts'
import type { Releases } from '../../protocol/release/effective-release.ts'
import { type Release, releaseCodec } from '../../protocol/release/release.ts'
import { type Difference, differences } from '../../protocol/trust/differences.ts'
import { membersRole } from '../../protocol/trust/fleet.ts'
import { contentBytes, type Loaded } from '../../protocol/trust/metadata.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import { siteRole } from '../../protocol/trust/site-roles.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'

/** The accepted state of this controller that a proposal is compared with. */
export type SignedState = Releases & { readonly trusted: TrustedSet; readonly revocations: Revocations }

/** One signed document: what it is, and where it differs from the one that it replaces. */
export interface SignedPart {
  readonly name: string
  readonly differences: readonly Difference[]
}

/**
 * Every document that the proposal's signatures cover, metadata first. The metadata is compared as it is signed; a document
 * that no codec of ours reads is shown by its hash.
 */
export function signedParts(verified: VerifiedProposal, accepted: SignedState): SignedPart[] {
  const { proposal, parts } = verified
  const { trusted } = accepted
  const site = proposal.site?.name
  const found: SignedPart[] = []
  const metadata = (name: string, next: Loaded<'root' | 'targets'> | undefined, current: typeof next) => {
    if (next !== undefined) found.push({ name, differences: differences(signedContent(current), signedContent(next)) })
  }
  metadata('root metadata', parts.root, trusted.root)
  metadata('targets metadata', parts.targets, trusted.targets)
  metadata('members metadata', parts.members, trusted.delegated[membersRole])
  if (site !== undefined) metadata(`metadata of the site ${site}`, parts.site, trusted.delegated[siteRole(site)])
  for (const document of proposal.documents) found.push(documentPart(document, verified, accepted))
  return found
}

function documentPart(
  bytes: Uint8Array,
  { release: whole, proposal }: VerifiedProposal,
  accepted: SignedState,
): SignedPart {
  const site = proposal.site?.name
  const release = tryDecode(releaseCodec, bytes)
  if (release !== undefined) {
    const before = site === undefined ? accepted.release : accepted.sites.get(site)
    return {
      name: 'release',
      differences: differences(plain(signedRelease(before)), plain(signedRelease(whole ?? release))),
    }
  }
  const revocations = tryDecode(revocationsCodec, bytes)
  if (revocations !== undefined) {
    return { name: 'revocation list', differences: differences(accepted.revocations, revocations) }
  }
  const unknown = { sha256: sha256Hex(bytes), bytes: bytes.length }
  return { name: 'document that this version does not understand', differences: differences({}, unknown) }
}

/**
 * What a release's document and its shards say. Extensions are in the metadata, where they are compared, but those of configs in
 * shards of a sharded release.
 */
function signedRelease(release: Release | undefined): unknown {
  if (release === undefined) return {}
  const { sharded, extensions, ...document } = release
  const inMetadata = sharded?.plain.extensions?.values ?? extensions?.values ?? {}
  const inShards = Object.entries(extensions?.values ?? {}).filter(([name]) => !Object.hasOwn(inMetadata, name))
  return { ...document, ...(inShards.length > 0 && { extensions: Object.fromEntries(inShards) }) }
}

/** CIDs as their text; everything else as it is. */
function plain(value: unknown): unknown {
  const cid = CID.asCID(value)
  if (cid !== null) return cid.toString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

function tryDecode<T>(codec: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T | undefined {
  try {
    return codec.decode(bytes)
  } catch {
    return undefined
  }
}

function signedContent(loaded: Loaded<'root' | 'targets'> | undefined): unknown {
  return loaded === undefined ? {} : JSON.parse(Buffer.from(contentBytes(loaded.signed)).toString('utf8'))
}
