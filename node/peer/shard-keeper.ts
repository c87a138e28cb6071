/**
 * Fetches what this peer needs of a sharded release: a device its own part and that of its site, a controller or a relay all of it,
 * and of releases that are only proposed, too. What it has, it serves to others as any document.
 */

import { fromHex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { asSigned } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import { rolloutDefaults } from '../../protocol/release/rollout-policy.ts'
import { neededShards, type ShardInterest, shardsManifestOf } from '../../protocol/release/shards.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import type { OwnCertificate } from '../mesh/peers/own-certificate.ts'
import type { FleetState } from '../state/fleet-state.ts'
import type { ProposalBook } from '../state/proposal-book.ts'
import { ProposedShards, type ProposedShardsComponents } from './proposed-shards.ts'
import { type Missing, type MissingGroup, ShardLooks, type ShardLooksComponents } from './shard-looks.ts'

export interface ShardKeeperComponents extends ShardLooksComponents, Pick<ProposedShardsComponents, 'budget'> {
  readonly state: Pick<FleetState, 'accepted' | 'document' | 'keepDocument' | 'takeShards' | 'on' | 'off'>
  readonly directory: Pick<Directory, 'members' | 'on' | 'off'>
  readonly admission: Pick<Admission, 'members' | 'on' | 'off'>
  readonly proposals: Pick<ProposalBook, 'all' | 'on' | 'off'>
  readonly own: Pick<OwnCertificate, 'certificate' | 'on' | 'off'>
}

export class ShardKeeper {
  readonly #components: ShardKeeperComponents
  /** Each by itself: what is proposed neither delays nor ends the search for what is published. */
  readonly #looks: readonly ShardLooks[]
  readonly #onNews = () => {
    for (const looks of this.#looks) looks.onNews()
  }
  readonly #onNeighbour = ({ peer }: { peer: { toString(): string } }) => {
    for (const looks of this.#looks) looks.onNeighbour(peer.toString())
  }

  constructor(components: ShardKeeperComponents) {
    this.#components = components
    const { state, own } = components
    const proposed = new ProposedShards(components)
    const isDevice = () => own.certificate.role === 'device'
    this.#looks = [
      new ShardLooks(components, {
        manifests: () => manifestOf(state.accepted?.release),
        missing: async () => this.#missing(),
        take: () => state.takeShards(),
      }),
      new ShardLooks(components, {
        manifests: () => (isDevice() ? [] : proposed.manifests()),
        missing: async () => (isDevice() ? [] : await proposed.missing()),
        take: async () => {},
      }),
    ]
  }

  start(): void {
    const { state, directory, admission, proposals, own } = this.#components
    state.on('changed', this.#onNews)
    directory.on('certificate', this.#onNews)
    proposals.on('changed', this.#onNews)
    admission.on('admitted', this.#onNeighbour)
    own.on('renewed', this.#onNews)
    this.#onNews()
  }

  async stop(): Promise<void> {
    const { state, directory, admission, proposals, own } = this.#components
    state.off('changed', this.#onNews)
    directory.off('certificate', this.#onNews)
    proposals.off('changed', this.#onNews)
    admission.off('admitted', this.#onNeighbour)
    own.off('renewed', this.#onNews)
    await Promise.all(this.#looks.map(looks => looks.stop()))
  }

  /** Of the accepted release: the manifest, then the shards that it names, then those of the waves that ours waits for. */
  #missing(): MissingGroup[] {
    const { state, own, directory } = this.#components
    const release = state.accepted?.release
    if (release === undefined) return []
    return [{ documents: missingOf(release, () => interestOf(release, own.certificate, directory)) }]
  }
}

function manifestOf(release: Release | undefined): string[] {
  const manifest = release && shardsManifestOf(asSigned(release))
  return manifest === undefined ? [] : [manifest]
}

/** What isn't here of a release: its manifest, or those of its shards that somebody needs. */
function missingOf(release: Release, interest: () => ShardInterest): Missing[] {
  if (release.sharded === undefined || release.sharded.problem !== undefined) return []
  const manifest = shardsManifestOf(asSigned(release))
  const { devicesOf, missing } = release.sharded
  if (devicesOf === undefined) {
    return manifest === undefined ? [] : [{ hash: fromHex(manifest), maxBytes: limits.shardManifest }]
  }
  if (missing.length === 0) return []
  return neededShards(missing, interest()).map(({ entry }) => ({ hash: entry.hash, maxBytes: entry.size }))
}

/** What a member needs of a sharded release. */
function interestOf(
  release: Release,
  { name, site, role }: Pick<Certificate, 'name' | 'site' | 'role'>,
  directory: Pick<Directory, 'members'>,
): ShardInterest {
  // Who may go on alone chooses among all that it can reach.
  const isolated = (release.rollout?.isolated ?? rolloutDefaults.isolated) !== 'wait'
  if (role !== 'device' || isolated) return { all: true, devices: [] }
  const mates =
    site === undefined ? [] : directory.members().filter(each => each.role === 'device' && each.site === site)
  return { all: false, devices: [name, ...mates.map(each => each.name)], waves: wavesBefore(release, name) }
}

/** The waves that have to prove themselves before a device's own. */
function wavesBefore(release: Release, name: string): ShardInterest['waves'] {
  const own = release.sharded?.waves.get(name)
  if (own === undefined || release.rollout === undefined) return undefined
  const promoted = release.promotes === undefined ? 0 : (release.promotes.waves ?? own)
  return own <= Math.max(1, promoted) ? undefined : { from: Math.max(1, promoted), to: own - 1 }
}
