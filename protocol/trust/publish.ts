/**
 * Publishing: a fleet's first metadata, and the next metadata for each release. Pure functions; callers pass keys and
 * time.
 */

import { Targets } from '@tufjs/models'
import { timeText } from '../encoding/fields.ts'
import { fromHex, toHex } from '../encoding/hash.ts'
import { revocationsCodec } from '../members/revocations.ts'
import { type Release, releaseCodec } from '../release/release.ts'
import type { Signer } from '../signing/keys.ts'
import {
  fleetFields,
  fleetIdOf,
  membersAuthority,
  membersRole,
  nixKeyId,
  releaseTarget,
  revocationsTarget,
} from './fleet.ts'
import {
  type Loaded,
  makeDelegations,
  makeRoot,
  makeSnapshot,
  makeTargets,
  makeTimestamp,
  type RoleKeys,
  signMetadata,
} from './metadata.ts'
import { customOf } from './release-extensions.ts'
import { sitePaths, siteReleaseTarget, siteRole } from './site-roles.ts'
import { nextSites, type Sites, sitesOf, siteVersion, withoutSites } from './sites.ts'
import {
  requireFreshRoot,
  type TrustedSet,
  trustRoot,
  updateDelegated,
  updateRoot,
  updateSnapshot,
  updateTargets,
  updateTimestamp,
} from './trusted-set.ts'

/** Lifetimes of the roles' signatures, in days. The controller of an offline fleet may be away for long. */
export const lifetimes = { root: 730, targets: 365, snapshot: 365, timestamp: 365 } as const

export interface FleetKeys {
  readonly root: Signer
  readonly targets: Signer
  readonly snapshot: Signer
  readonly timestamp: Signer
  readonly members: Signer
}

/** The result of publishing: the new trusted set, and the documents that it names. */
export interface Published {
  readonly trusted: TrustedSet
  readonly fleet: string
  readonly release: Release
  /** Contents of target files: release and revocations. */
  readonly documents: readonly Uint8Array[]
}

/** Root version 1 and everything under it, with an empty release of version 1. */
export function foundFleet(init: {
  name: string
  nixPublicKeys: string[]
  keys: FleetKeys
  now: Date
  /** The founder's name. If given, the root also names its keys' owner, its creation time and the members role. */
  operator?: string
}): Published {
  const { keys, now } = init
  const one = (signer: Signer) => ({ keys: [signer.publicKey], threshold: 1 })
  const root = makeRoot({
    version: 1,
    expires: expiry(now, lifetimes.root),
    roles: {
      root: one(keys.root),
      targets: one(keys.targets),
      snapshot: one(keys.snapshot),
      timestamp: one(keys.timestamp),
    },
    thymesh: {
      name: init.name,
      nixPublicKeys: init.nixPublicKeys,
      ...(init.operator !== undefined && {
        members: { keys: [toHex(keys.members.publicKey)], threshold: 1 },
        operators: {
          [init.operator]: [...Object.values(keys).map(({ keyId }) => keyId), ...init.nixPublicKeys.map(nixKeyId)],
        },
        created: timeText(now),
      }),
    },
  })
  const trusted = trustRoot(signMetadata('root', root, [keys.root]).bytes)
  const fleet = fleetIdOf(trusted.root.bytes)
  const revocations = revocationsCodec.encode({ v: 1, fleet, peers: [] })
  const members = makeTargets({
    version: 1,
    expires: expiry(now, lifetimes.targets),
    targets: [{ path: revocationsTarget, bytes: revocations }],
  })
  const release: Release = {
    v: 1,
    fleet,
    version: 1,
    created: timeText(now),
    message: 'the fleet was founded',
    configs: {},
    devices: {},
  }
  const bytes = releaseCodec.encode(release)
  const targets = makeTargets({
    version: 1,
    expires: expiry(now, lifetimes.targets),
    targets: [{ path: releaseTarget, bytes }],
    delegations: delegateMembers(one(keys.members)),
  })
  const next = {
    targets: signMetadata('targets', targets, [keys.targets]),
    members: signMetadata('targets', members, [keys.members]),
  }
  return { trusted: publishNext(trusted, next, keys, now), fleet, release, documents: [bytes, revocations] }
}

/** The part of a release that its author chooses; the rest follows from the trusted metadata. */
export type ReleaseContent = Omit<Release, 'v' | 'fleet' | 'site' | 'version' | 'created' | 'sharded'>

/** The keys that publish what others have signed: of the roles whose thresholds are always 1. */
export type OnlineKeys = Pick<FleetKeys, 'snapshot' | 'timestamp'>

/** A release and the targets metadata that names it, unsigned. The delegations follow the root. */
export function draftRelease(
  trusted: TrustedSet,
  fleet: string,
  content: ReleaseContent,
  now: Date,
  root: Loaded<'root'> = trusted.root,
  sites?: Sites,
): { release: Release; bytes: Uint8Array; targets: Targets } {
  const version = (trusted.targets?.signed.version ?? 0) + 1
  const { extensions, ...rest } = content
  const release: Release = { ...rest, v: 1, fleet, version, created: timeText(now) }
  const bytes = releaseCodec.encode(release)
  const targets = makeTargets({
    version,
    expires: expiry(now, lifetimes.targets),
    targets: [{ path: releaseTarget, bytes, ...customOf(extensions) }],
    delegations: delegationsOf(trusted, root, sites),
  })
  return { release: extended(release, extensions), bytes, targets }
}

function delegationsOf(trusted: TrustedSet, root: Loaded<'root'>, sites: Sites | undefined) {
  const named = fleetFields(root).members
  const stay = sites ?? sitesOf(trusted.targets)
  if (named !== undefined) return delegateMembers({ ...named, keys: named.keys.map(fromHex) }, stay)
  const current = trusted.targets?.signed.delegations?.toJSON()
  if (current !== undefined) return sites === undefined ? current : delegateMembers(membersAuthority(trusted), sites)
  throw new RangeError('expected the members role in the root, or in targets that are trusted')
}

function delegateMembers(role: RoleKeys, sites: Sites = new Map()) {
  const ofSites = [...sites].map(([site, keys]) => [siteRole(site), { ...keys, paths: sitePaths(site) }])
  return makeDelegations({ [membersRole]: { ...role, paths: ['members/*'] }, ...Object.fromEntries(ofSites) })
}

/** A release of a site's operators and the metadata of the site's role that names it, unsigned. */
export function draftSiteRelease(
  trusted: TrustedSet,
  fleet: string,
  site: string,
  content: ReleaseContent,
  now: Date,
): { release: Release; bytes: Uint8Array; metadata: Targets } {
  const version = siteVersion(trusted, site) + 1
  const { extensions, ...rest } = content
  const release: Release = { ...rest, v: 1, fleet, site, version, created: timeText(now) }
  const bytes = releaseCodec.encode(release)
  const targets = [{ path: siteReleaseTarget(site), bytes, ...customOf(extensions) }]
  return {
    release: extended(release, extensions),
    bytes,
    metadata: makeTargets({ version, expires: expiry(now, lifetimes.targets), targets }),
  }
}

function extended(release: Release, extensions: ReleaseContent['extensions']): Release {
  return extensions === undefined ? release : { ...release, extensions }
}

/** Whether half of the members metadata's lifetime has passed. */
export function renewalDue(trusted: TrustedSet, now: Date): boolean {
  const halfTime = new Date(now.getTime() + (lifetimes.targets / 2) * 86_400_000)
  return trusted.delegated[membersRole]?.signed.isExpired(halfTime) === true
}

/** The next version of the members metadata, unsigned; with a new revocation list if given. */
export function nextMembers(current: Loaded<'targets'>, now: Date, revocations?: Uint8Array): Targets {
  const next = makeTargets({
    version: current.signed.version + 1,
    expires: expiry(now, lifetimes.targets),
    targets: revocations === undefined ? [] : [{ path: revocationsTarget, bytes: revocations }],
  })
  if (revocations !== undefined) return next
  const { targets = {} } = current.signed.toJSON()
  return Targets.fromJSON({ ...next.toJSON(), targets })
}

/** The changed metadata; the rest stays as trusted. Rejected unless it has the signatures that the fleet requires. */
export interface NextMetadata {
  readonly root?: Loaded<'root'>
  readonly targets?: Loaded<'targets'>
  readonly members?: Loaded<'targets'>
  /** The changed metadata of one site's role. */
  readonly ofSite?: { readonly site: string; readonly metadata: Loaded<'targets'> }
}

/**
 * Signs snapshot and timestamp over the changes, and verifies the result as every peer will: a key that the root
 * doesn't name is found here, not on the devices. Throws a TrustError.
 */
export function publishNext(trusted: TrustedSet, next: NextMetadata, keys: OnlineKeys, now: Date): TrustedSet {
  const base = next.root === undefined ? trusted : updateRoot(trusted, next.root.bytes)
  const targets = next.targets ?? trusted.targets
  const members = next.members ?? trusted.delegated[membersRole]
  if (targets === undefined || members === undefined) throw new RangeError('expected targets and members metadata')
  const sites = nextSites(trusted, targets, next.ofSite)
  const snapshot = signMetadata(
    'snapshot',
    makeSnapshot({
      version: versionAfter(trusted.snapshot, base.snapshot),
      expires: expiry(now, lifetimes.snapshot),
      roles: { ...withoutSites(trusted.delegated), targets, [membersRole]: members, ...sites.roles },
      retired: sites.retired,
    }),
    [keys.snapshot],
  )
  const timestamp = signMetadata(
    'timestamp',
    makeTimestamp({
      version: versionAfter(trusted.timestamp, base.timestamp),
      expires: expiry(now, lifetimes.timestamp),
      snapshot,
    }),
    [keys.timestamp],
  )
  requireFreshRoot(base, now)
  let set = updateTimestamp(base, timestamp.bytes, now)
  set = updateSnapshot(set, snapshot.bytes, now)
  // Republishing doesn't renew unchanged metadata, however old it is: only changed metadata is checked for expiry.
  set = updateTargets(set, targets.bytes, next.targets && now)
  set = updateDelegated(
    { ...set, delegated: withoutSites(set.delegated) },
    membersRole,
    members.bytes,
    next.members && now,
  )
  for (const [role, { bytes }] of Object.entries(sites.roles)) {
    set = updateDelegated(set, role, bytes, next.ofSite && role === siteRole(next.ofSite.site) ? now : undefined)
  }
  membersAuthority(set)
  return set
}

/** Far beyond what honest publishing reaches: a version above it indicates a fast-forward attack. */
const fastForwarded = 2 ** 32

/**
 * The next version; 1 if a fast-forward attack raised the previous one and new keys made peers forget it
 * (specification §5.3.11).
 */
function versionAfter(before: { signed: { version: number } } | undefined, kept: object | undefined): number {
  const version = before?.signed.version ?? 0
  return kept === undefined && version >= fastForwarded ? 1 : version + 1
}

function expiry(now: Date, days: number): string {
  return timeText(new Date(now.getTime() + days * 86_400_000))
}
