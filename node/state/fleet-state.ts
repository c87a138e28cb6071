/**
 * The fleet's accepted state on this peer: the trusted metadata with the release and revocations that it names, as a
 * unit.
 */

import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { FormatError } from '../../protocol/encoding/cbor.ts'
import { equalBytes, sha256, toHex } from '../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { MembershipAuthority } from '../../protocol/members/membership.ts'
import { type Revocations, revocationsCodec } from '../../protocol/members/revocations.ts'
import type { Head } from '../../protocol/messages/messages.ts'
import { asSigned } from '../../protocol/release/join-shards.ts'
import { type Release, releaseCodec } from '../../protocol/release/release.ts'
import {
  membersAuthority,
  type NamedDocument,
  namedRelease,
  namedRevocations,
  releaseTarget,
} from '../../protocol/trust/fleet.ts'
import { type Loaded, MetadataError } from '../../protocol/trust/metadata.ts'
import type { Published } from '../../protocol/trust/publish.ts'
import { extensionsIn, withExtensions } from '../../protocol/trust/release-extensions.ts'
import { siteReleaseTarget, siteRole } from '../../protocol/trust/site-roles.ts'
import { namedSiteRelease, sitesOf } from '../../protocol/trust/sites.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Clock } from './clock.ts'
import type { Database } from './database.ts'
import { DocumentTable, type FindLive } from './document-table.ts'
import { type KeptRelease, KeptReleases } from './kept-releases.ts'
import { withShards } from './sharded-release.ts'
import { TrustStore } from './trust-store.ts'

export class FleetStateError extends ThymeshError<
  'wrong-document' | 'missing-document' | 'wrong-release' | 'superseded'
> {}

/** A complete accepted state; replaced as a whole. */
export interface AcceptedState {
  readonly trusted: TrustedSet
  readonly release: Release
  /** The releases of sites with their own operators, by site. */
  readonly sites: ReadonlyMap<string, Release>
  readonly authority: MembershipAuthority
  readonly revocations: Revocations
}

/** Fetches a document by SHA-256. The result is verified. */
export type DocumentFetcher = (named: NamedDocument) => Promise<Uint8Array>

interface Events {
  changed: [AcceptedState]
  /** Shards have come, of the accepted release or of proposed ones. */
  shards: []
}

export class FleetState extends EventEmitter<Events> {
  readonly fleet: string
  readonly trustStore: TrustStore
  readonly #documents: DocumentTable
  readonly #releases: KeptReleases
  readonly #clock: Clock
  #trusted: TrustedSet | undefined
  #accepted: AcceptedState | undefined
  /** Serialises changes. */
  readonly #changes = new SerialQueue()

  private constructor(fleet: string, database: Database, clock: Clock) {
    super()
    // Every part of the daemon listens, and each of them ends with it; more than ten look like a leak to Node.
    this.setMaxListeners(0)
    this.fleet = fleet
    this.#documents = new DocumentTable(database)
    this.trustStore = new TrustStore(database, this.#documents)
    this.#releases = new KeptReleases(database, this.#documents)
    this.#clock = clock
  }

  /** Loads the state that was accepted in the last run. */
  static async load(fleet: string, database: Database, clock: Clock): Promise<FleetState> {
    const state = new FleetState(fleet, database, clock)
    const { trusted, complete } = await state.trustStore.load(fleet)
    state.#trusted = trusted
    if (complete === undefined) return state
    try {
      const { accepted } = await state.#complete(complete, async named => {
        throw new FleetStateError('missing-document', `the state lacks ${toHex(named.hash)}`)
      })
      state.#accepted = accepted
    } catch (thrown) {
      // A device that can't read its accepted state fetches it again; it must start in any case.
      if (!(thrown instanceof FleetStateError || thrown instanceof FormatError || thrown instanceof MetadataError))
        throw thrown
    }
    return state
  }

  /** The trusted metadata, which may be incomplete: perhaps only roots. */
  get trusted(): TrustedSet | undefined {
    return this.#trusted
  }

  /** The accepted state, which is acted on; undefined before the first complete refresh. */
  get accepted(): AcceptedState | undefined {
    return this.#accepted
  }

  /** The head that gossip carries. */
  get head(): Head | undefined {
    const { root, timestamp } = this.#accepted?.trusted ?? {}
    return root && timestamp && { root: root.signed.version, timestamp: timestamp.bytes }
  }

  /** The versions for hello: 0 if there are none. */
  get versions(): { root: number; timestamp: number } {
    return {
      root: this.#trusted?.root.signed.version ?? 0,
      timestamp: this.#accepted?.trusted.timestamp?.signed.version ?? 0,
    }
  }

  /** Root metadata by its version, as it was signed. */
  root(version: number): Promise<Uint8Array | undefined> {
    return this.trustStore.root(version)
  }

  /** A verified document by its SHA-256. */
  document(hash: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#documents.get(toHex(hash))
  }

  /** Stores a document whose hash a verified document names. */
  keepDocument(bytes: Uint8Array): Promise<void> {
    return this.#documents.put(bytes)
  }

  /** A release that is or was accepted, by version; of the fleet or of a site's own operators. */
  async release(version: number, site?: string): Promise<Release | undefined> {
    const newest = site === undefined ? this.#accepted?.release : this.#accepted?.sites.get(site)
    return newest?.version === version ? newest : await this.#releases.get(version, site)
  }

  /** Versions of all accepted releases, ascending; of the fleet or of a site's own operators. */
  releaseVersions(site?: string): Promise<number[]> {
    return this.#releases.versions(site)
  }

  /** Accepted releases of sites' operators, by site and version. */
  siteReleases(): Promise<Release[]> {
    return this.#releases.ofSites()
  }

  /** All accepted releases, of the fleet and of sites' operators. */
  keptReleases(): Promise<KeptRelease[]> {
    return this.#releases.all()
  }

  /**
   * Deletes documents that aren't live, and the releases that they contain. Resolves to the number of documents
   * deleted. Roots and the trusted metadata aren't documents and stay.
   */
  async sweep(findLive: FindLive, signal?: AbortSignal): Promise<number> {
    const gone = await this.#documents.sweep(findLive, signal)
    await this.#releases.sweep()
    return gone
  }

  /** Stores roots at once during a walk. */
  keepRoot(trusted: TrustedSet): Promise<void> {
    return this.#changes.run(async () => {
      if (trusted.root.signed.version <= this.versions.root) return
      const before = this.#trusted?.root.signed.roles.timestamp
      await this.trustStore.keepRoot(trusted)
      this.#trusted = trusted
      // The previous timestamp keys may have signed a wrong time, which may be why they were replaced.
      const now = trusted.root.signed.roles.timestamp
      if (before?.keyIDs.some(id => !now?.keyIDs.includes(id))) await this.#clock.resetFloor()
    })
  }

  /**
   * Accepts a refreshed set once the documents that it names are here and valid; it is on disk before any listener is
   * called. Throws a FleetStateError or FormatError without any change; `superseded` if a newer set was accepted
   * meanwhile, or any other than `basis.accepted`, against which the set was verified.
   */
  async accept(
    trusted: TrustedSet,
    fetch: DocumentFetcher,
    basis?: { readonly accepted: AcceptedState | undefined },
  ): Promise<AcceptedState> {
    const { accepted, documents } = await this.#complete(trusted, fetch)
    await this.#changes.run(async () => {
      this.#requireNotOlder(trusted)
      if (basis !== undefined && this.#accepted !== basis.accepted) {
        throw new FleetStateError('superseded', 'expected the metadata that was trusted before, got newer')
      }
      await this.#clock.raiseFloor(new Date(accepted.release.created))
      await this.trustStore.keep(trusted, documents, [
        ...this.#releases.changes(accepted.release, namedRelease(trusted)?.hash),
        ...[...accepted.sites].flatMap(([site, release]) =>
          this.#releases.changes(release, namedSiteRelease(trusted, site)?.hash),
        ),
      ])
      this.#trusted = trusted
      // Shards of the same release may have come meanwhile.
      const before = this.#accepted?.release
      const isSame = before !== undefined && asSigned(before) === asSigned(accepted.release)
      this.#accepted = isSame ? { ...accepted, release: before } : accepted
    })
    this.emit('changed', this.#accepted ?? accepted)
    return this.#accepted ?? accepted
  }

  /** Accepts metadata that was signed here: the documents that it names come with it, or are here. Throws as `accept` does. */
  publish({ trusted, documents }: Pick<Published, 'trusted' | 'documents'>): Promise<AcceptedState> {
    return this.accept(trusted, async named => {
      const document = documents.find(each => equalBytes(sha256(each), named.hash))
      if (document !== undefined) return document
      throw new FleetStateError('missing-document', `the metadata names ${toHex(named.hash)}, which was not made`)
    })
  }

  #requireNotOlder(trusted: TrustedSet): void {
    const before = this.#accepted?.trusted
    const root = trusted.root.signed.version
    // With new timestamp keys, versions may start again.
    const timestamp = root > (before?.root.signed.version ?? 0) ? 0 : (before?.timestamp?.signed.version ?? 0)
    if (root >= this.versions.root && (trusted.timestamp?.signed.version ?? 0) >= timestamp) return
    throw new FleetStateError('superseded', `expected timestamp version ${timestamp} or higher of root ${root}`)
  }

  async #complete(
    trusted: TrustedSet,
    fetch: DocumentFetcher,
  ): Promise<{ accepted: AcceptedState; documents: Uint8Array[] }> {
    const named = namedRelease(trusted)
    const revocations = namedRevocations(trusted)
    if (named === undefined || revocations === undefined) {
      throw new FleetStateError('wrong-document', 'the metadata names no release or no revocations')
    }
    const [releaseBytes, revocationBytes] = await Promise.all(
      [named, revocations].map(each => this.#checked(each, fetch)),
    )
    if (releaseBytes === undefined || revocationBytes === undefined) throw new RangeError('unreachable')
    const release =
      this.#acceptedAs(named, trusted) ??
      (await this.withShards(withExtensions(releaseCodec.decode(releaseBytes), trusted.targets, releaseTarget)))
    const revoked = revocationsCodec.decode(revocationBytes)
    if (
      release.fleet !== this.fleet ||
      release.site !== undefined ||
      revoked.fleet !== this.fleet ||
      release.version !== named.version
    ) {
      throw new FleetStateError(
        'wrong-release',
        `expected release ${named.version} of fleet ${this.fleet.slice(0, 12)}, got release ${release.version} of ${release.fleet.slice(0, 12)}`,
      )
    }
    const ofSites = await this.#ofSites(trusted, fetch)
    return {
      documents: [releaseBytes, revocationBytes, ...ofSites.map(({ bytes }) => bytes)],
      accepted: {
        trusted,
        release,
        sites: new Map(ofSites.map(({ site, release }) => [site, release])),
        authority: {
          fleet: this.fleet,
          ...membersAuthority(trusted),
          revoked: new Set(revoked.peers),
          revokedTokens: new Set(revoked.tokens),
        },
        revocations: revoked,
      },
    }
  }

  /** The accepted release, if metadata names it again: most new heads bring the same one, which takes long to decode. */
  #acceptedAs({ hash }: NamedDocument, { targets }: TrustedSet): Release | undefined {
    const before = this.#accepted
    const known = before && namedRelease(before.trusted)
    if (known === undefined || !equalBytes(known.hash, hash)) return undefined
    // Extensions are in the targets metadata, so they may change though the document doesn't.
    const extensions = targets && extensionsIn(targets, releaseTarget)
    return isDeepStrictEqual(extensions, before && asSigned(before.release).extensions) ? before?.release : undefined
  }

  /** A release as it was signed, with those of its shards that are here. */
  withShards(release: Release): Promise<Release> {
    return withShards(release, hash => this.document(hash))
  }

  /** Takes the shards into the accepted release that have come since it was accepted. */
  async takeShards(): Promise<void> {
    const taken = await this.#changes.run(async () => {
      const before = this.#accepted
      if (before?.release.sharded === undefined) return undefined
      const accepted = { ...before, release: await this.withShards(asSigned(before.release)) }
      this.#accepted = accepted
      return accepted
    })
    if (taken !== undefined) this.emit('changed', taken)
    this.emit('shards')
  }

  /**
   * The releases of sites' operators. Invalid ones are skipped: they must not block the fleet. Missing ones are
   * errors, as for any other document.
   */
  async #ofSites(trusted: TrustedSet, fetch: DocumentFetcher) {
    const found: { site: string; bytes: Uint8Array; release: Release }[] = []
    for (const site of sitesOf(trusted.targets).keys()) {
      const named = namedSiteRelease(trusted, site)
      if (named === undefined || named.length > limits.siteRelease) continue
      const bytes = await this.#checked(named, fetch)
      const signed = decoded(bytes, trusted.delegated[siteRole(site)], siteReleaseTarget(site))
      // Only to refuse one that names shards.
      const release = signed && (await this.withShards(signed))
      const isOurs = release?.fleet === this.fleet && release.site === site && release.version === named.version
      if (release !== undefined && isOurs) found.push({ site, bytes, release })
    }
    return found
  }

  async #checked(named: NamedDocument, fetch: DocumentFetcher): Promise<Uint8Array> {
    const bytes = (await this.document(named.hash)) ?? (await fetch(named))
    if (bytes.length === named.length && equalBytes(sha256(bytes), named.hash)) return bytes
    throw new FleetStateError('wrong-document', `expected the document ${toHex(named.hash)}, got another one`)
  }
}

function decoded(bytes: Uint8Array, metadata: Loaded<'targets'> | undefined, path: string): Release | undefined {
  try {
    return withExtensions(releaseCodec.decode(bytes), metadata, path)
  } catch (thrown) {
    if (thrown instanceof FormatError || thrown instanceof MetadataError) return undefined
    throw thrown
  }
}
