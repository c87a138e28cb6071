/** Takes in a bundle as if a hostile peer had sent it: metadata by the client workflow, documents and chunks by hash. */

import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import { closureCodec } from '../../protocol/closure/closure.ts'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { fromHex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { certificateKind } from '../../protocol/members/certificate.ts'
import { asSigned } from '../../protocol/release/join-shards.ts'
import { type Release, releaseCodec } from '../../protocol/release/release.ts'
import { readEnvelope } from '../../protocol/signing/dsse.ts'
import { fleetIdOf, type NamedDocument, namedRelease, releaseTarget } from '../../protocol/trust/fleet.ts'
import { refresh } from '../../protocol/trust/refresh.ts'
import { withExtensions } from '../../protocol/trust/release-extensions.ts'
import { namedSiteRelease, sitesOf } from '../../protocol/trust/sites.ts'
import { TrustError, type TrustedSet, trustRoot } from '../../protocol/trust/trusted-set.ts'
import type { Bundle } from '../bundle/bundle.ts'
import type { BundleShelf } from '../bundle/bundle-shelf.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Equivocation } from '../mesh/exchange/equivocation.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import { type FleetState, FleetStateError } from '../state/fleet-state.ts'
import { releasesOf } from '../state/releases.ts'
import { shardDocuments, withShards } from '../state/sharded-release.ts'
import type { Closures } from '../swarm/chunks/closures.ts'

export interface TakeComponents {
  readonly state: FleetState
  readonly directory: Pick<Directory, 'addCertificate'>
  readonly closures: Pick<Closures, 'reload'>
  readonly equivocation: Pick<Equivocation, 'examine'>
  readonly shelf: BundleShelf
  readonly clock: Pick<Clock, 'reference'>
  readonly log: Logger
}

/**
 * How the bundle's metadata compares with what was trusted before. `older` and `expired` metadata is not used, but the
 * chunks of the trusted release are.
 */
export type BundleTrust = 'newer' | 'same' | 'older' | 'expired'

export interface Taken {
  readonly trust: BundleTrust
  /** The fleet's release that is trusted now. */
  readonly release: number | undefined
  /** Documents that were not here before. */
  readonly documents: number
}

/**
 * Attaches a bundle, whose chunks are read from then on until it is detached. Throws a BundleError, TrustError,
 * MetadataError or FleetStateError for a bundle that is refused, which changes nothing but the roots.
 */
export async function takeBundle(components: TakeComponents, bundle: Bundle, signal?: AbortSignal): Promise<Taken> {
  const { state, shelf, log } = components
  const { trust, set } = await verifyMetadata(components, bundle)
  signal?.throwIfAborted()
  const releases = set === undefined ? releasesOf(state.accepted) : await namedReleases(set, bundle)
  let documents = 0
  for (const release of releases) {
    const shards = await keepShards(state, release, bundle)
    // Its shards may be here from an earlier attempt that ended before the rest was kept.
    const whole = await withShards(asSigned(release), hash => state.document(hash))
    documents += shards + (await keepDocuments(state, whole, bundle))
  }
  signal?.throwIfAborted()
  // Attached first: a device begins to fetch as soon as the release is accepted.
  shelf.attach(bundle)
  try {
    if (set !== undefined) await state.accept(set, named => requiredDocument(bundle, named))
  } catch (thrown) {
    shelf.detach(bundle)
    throw thrown
  }
  if (documents > 0) {
    await state.takeShards()
    await components.closures.reload()
  }
  await keepMembers(components, bundle)
  const release = state.accepted?.release.version
  log.info({ trust, release, documents, chunks: bundle.manifest.chunks }, 'a bundle is attached')
  return { trust, release, documents }
}

/** The refreshed metadata if it is newer. Throws a BundleError for another fleet's bundle, and for forged metadata. */
async function verifyMetadata(
  { state, clock, equivocation }: TakeComponents,
  bundle: Bundle,
): Promise<{ trust: BundleTrust; set?: TrustedSet }> {
  const first = await bundle.file({ kind: 'root', version: 1 })
  if (first === undefined || fleetIdOf(first) !== state.fleet) {
    const got = first === undefined ? 'one without its first root' : `one of fleet ${fleetIdOf(first).slice(0, 12)}`
    throw new BundleError('other-fleet', `expected a bundle of fleet ${state.fleet.slice(0, 12)}, got ${got}`, {
      hint: 'Write a bundle from the project of this fleet.',
    })
  }
  const before = state.trusted ?? trustRoot(first)
  if (state.trusted === undefined) await state.keepRoot(before)
  const { metadata } = bundle
  try {
    const set = await refresh(before, metadata, clock.reference, async (role, next) => {
      if (role === 'root') await state.keepRoot(next)
    })
    const isSame = state.accepted !== undefined && set.timestamp === before.timestamp && set.root === before.root
    return isSame ? { trust: 'same' } : { trust: 'newer', set }
  } catch (thrown) {
    if (!(thrown instanceof TrustError)) throw thrown
    // Without an accepted release there is nothing that its chunks could be for.
    if (state.accepted !== undefined && thrown.code === 'expired') return { trust: 'expired' }
    if (state.accepted !== undefined && (await isOlder(thrown, before, bundle))) return { trust: 'older' }
    if (thrown.code === 'wrong-hash') await equivocation.examine(await metadata.timestamp(), undefined)
    throw thrown
  }
}

/** Metadata from before a rotation of keys isn't signed by the present ones. */
async function isOlder({ code }: TrustError, before: TrustedSet, bundle: Bundle): Promise<boolean> {
  if (code === 'rollback') return true
  return (await bundle.file({ kind: 'root', version: before.root.signed.version })) === undefined
}

/** The releases that verified metadata names, as far as the bundle has them. */
async function namedReleases(set: TrustedSet, bundle: Bundle): Promise<Release[]> {
  const fleets = namedRelease(set)
  const named = [fleets, ...[...sitesOf(set.targets).keys()].map(site => namedSiteRelease(set, site))]
  const releases: Release[] = []
  for (const each of named) {
    const bytes = each && (await bundle.document(each.hash))
    const release = bytes && decoded(() => releaseCodec.decode(bytes))
    if (release === undefined) continue
    releases.push(each === fleets ? withExtensions(release, set.targets, releaseTarget) : release)
  }
  return releases
}

/** Keeps the shards of a release that the bundle has and this peer lacks; resolves to their number. */
async function keepShards(state: FleetState, release: Release, bundle: Bundle): Promise<number> {
  const { keep, kept } = keeping(state, bundle)
  // The first is the manifest, which names the others.
  for (const hash of await shardDocuments(asSigned(release), keep)) await keep(fromHex(hash))
  return kept()
}

/** Keeps what a verified release names and this peer lacks: descriptors, recipes, secrets' ciphertexts. */
async function keepDocuments(state: FleetState, { configs }: Release, bundle: Bundle): Promise<number> {
  const { keep, kept } = keeping(state, bundle)
  for (const { closure, secrets } of Object.values(configs)) {
    const bytes = await keep(hashOfCid(closure))
    const descriptor = bytes && decoded(() => closureCodec.decode(bytes))
    for (const { recipe } of descriptor?.paths ?? []) await keep(recipe)
    for (const { document } of Object.values(secrets ?? {})) await keep(hashOfCid(document))
  }
  return kept()
}

/** Takes documents out of a bundle that this peer lacks, and counts them. */
function keeping(state: FleetState, bundle: Bundle) {
  let kept = 0
  const keep = async (hash: Uint8Array): Promise<Uint8Array | undefined> => {
    const known = await state.document(hash)
    if (known !== undefined) return known
    const bytes = await bundle.document(hash)
    if (bytes === undefined) return undefined
    await state.keepDocument(bytes)
    kept++
    return bytes
  }
  return { keep, kept: () => kept }
}

async function requiredDocument(bundle: Bundle, { hash }: NamedDocument): Promise<Uint8Array> {
  const bytes = await bundle.document(hash)
  if (bytes !== undefined) return bytes
  throw new FleetStateError('missing-document', 'the bundle lacks a document that its metadata names', {
    hint: 'Write the bundle again with `thymesh bundle write`.',
  })
}

/** Certificates that make their holders members; others are skipped. */
async function keepMembers({ directory, log }: TakeComponents, bundle: Bundle): Promise<void> {
  for await (const envelope of bundle.members()) {
    try {
      await directory.addCertificate(readEnvelope(certificateKind, envelope).document.peer, envelope)
    } catch (thrown) {
      log.debug({ reason: messageOf(thrown) }, 'a certificate of a bundle was skipped')
    }
  }
}

/** Undefined for a document that a newer Thymesh wrote. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (thrown) {
    if (thrown instanceof FormatError) return undefined
    throw thrown
  }
}
