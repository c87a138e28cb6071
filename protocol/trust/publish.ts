/** The signing side: a fleet's first metadata, and the next one for each release. Pure: keys and time come from outside. */

import { Targets } from '@tufjs/models'
import { timeText } from '../fields.ts'
import type { Signer } from '../keys.ts'
import { type Release, releaseCodec } from '../release.ts'
import { revocationsCodec } from '../revocations.ts'
import { fleetIdOf, membersRole, releaseTarget, revocationsTarget } from './fleet.ts'
import {
  type Loaded,
  makeDelegations,
  makeRoot,
  makeSnapshot,
  makeTargets,
  makeTimestamp,
  signMetadata,
} from './metadata.ts'
import {
  type TrustedSet,
  trustRoot,
  updateDelegated,
  updateSnapshot,
  updateTargets,
  updateTimestamp,
} from './trusted-set.ts'

/** How long each role's signatures hold, in days. The controller of an offline fleet may be away for long. */
export const lifetimes = { root: 730, targets: 365, snapshot: 365, timestamp: 365 } as const

export interface FleetKeys {
  readonly root: Signer
  readonly targets: Signer
  readonly snapshot: Signer
  readonly timestamp: Signer
  readonly members: Signer
}

/** What was signed: the new trusted set, and the documents that it names. */
export interface Published {
  readonly trusted: TrustedSet
  readonly fleet: string
  readonly release: Release
  /** Target files by content: release and revocations. */
  readonly documents: readonly Uint8Array[]
}

/** Root version 1 and everything under it, with an empty release of version 1. */
export function foundFleet(init: { name: string; nixPublicKeys: string[]; keys: FleetKeys; now: Date }): Published {
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
    thymesh: { name: init.name, nixPublicKeys: init.nixPublicKeys },
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
  const published = publish(trusted, release, keys, now, signMetadata('targets', members, [keys.members]))
  return { ...published, documents: [...published.documents, revocations] }
}

/** The part of a release that its author decides; the rest follows from what is trusted. */
export type ReleaseContent = Omit<Release, 'v' | 'fleet' | 'version' | 'created'>

/** The next release on top of what is trusted, its version one higher. */
export function publishRelease(
  trusted: TrustedSet,
  fleet: string,
  content: ReleaseContent,
  keys: ReleaseKeys,
  now: Date,
): Published {
  const version = (trusted.targets?.signed.version ?? 0) + 1
  const release: Release = { ...content, v: 1, fleet, version, created: timeText(now) }
  return publish(trusted, release, keys, now, renewedMembers(trusted, keys.members, now))
}

/** The keys that sign a release; with the members key, the members' metadata is renewed when half its time is over. */
export type ReleaseKeys = Omit<FleetKeys, 'root' | 'members'> & { readonly members?: Signer }

function renewedMembers(trusted: TrustedSet, key: Signer | undefined, now: Date): Loaded<'targets'> | undefined {
  const current = trusted.delegated[membersRole]
  const halfTime = new Date(now.getTime() + (lifetimes.targets / 2) * 86_400_000)
  if (current === undefined || key === undefined || !current.signed.isExpired(halfTime)) return current
  const next = {
    ...current.signed.toJSON(),
    version: current.signed.version + 1,
    expires: expiry(now, lifetimes.targets),
  }
  return signMetadata('targets', Targets.fromJSON(next), [key])
}

function publish(
  trusted: TrustedSet,
  release: Release,
  keys: ReleaseKeys,
  now: Date,
  members: Loaded<'targets'> | undefined,
): Published {
  if (members === undefined) throw new RangeError('expected members metadata in what is trusted')
  const bytes = releaseCodec.encode(release)
  const delegations =
    trusted.targets?.signed.delegations?.toJSON() ??
    makeDelegations({
      [membersRole]: { keys: keys.members ? [keys.members.publicKey] : [], threshold: 1, paths: ['members/*'] },
    })
  const next = makeTargets({
    version: release.version,
    expires: expiry(now, lifetimes.targets),
    targets: [{ path: releaseTarget, bytes }],
    delegations,
  })
  const targets = signMetadata('targets', next, [keys.targets])
  const snapshot = signMetadata(
    'snapshot',
    makeSnapshot({
      version: (trusted.snapshot?.signed.version ?? 0) + 1,
      expires: expiry(now, lifetimes.snapshot),
      roles: { ...trusted.delegated, targets, [membersRole]: members },
    }),
    [keys.snapshot],
  )
  const timestamp = signMetadata(
    'timestamp',
    makeTimestamp({
      version: (trusted.timestamp?.signed.version ?? 0) + 1,
      expires: expiry(now, lifetimes.timestamp),
      snapshot,
    }),
    [keys.timestamp],
  )
  // Verified as every peer will: a key that the root doesn't name is found here, not on the devices.
  let set = updateTimestamp(trusted, timestamp.bytes, now)
  set = updateSnapshot(set, snapshot.bytes, now)
  set = updateTargets(set, targets.bytes, now)
  set = updateDelegated(set, membersRole, members.bytes, now)
  return { trusted: set, fleet: release.fleet, release, documents: [bytes] }
}

function expiry(now: Date, days: number): string {
  return timeText(new Date(now.getTime() + days * 86_400_000))
}
