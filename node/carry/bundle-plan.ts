/** Plans bundles: which configs, documents and chunks they hold, in which packs and volumes. */

import { packBodyBytes } from '../../protocol/bundle/pack.ts'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import { HintedError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Base } from '../../protocol/messages/swarm.ts'
import { asSigned, requireWhole } from '../../protocol/release/join-shards.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import { rolloutDefaults } from '../../protocol/release/rollout-policy.ts'
import { neededShards, shardsManifestOf } from '../../protocol/release/shards.ts'
import type { AcceptedState } from '../state/fleet-state.ts'
import { releasesOf } from '../state/releases.ts'
import type { Closures, KnownClosure } from '../swarm/chunks/closures.ts'
import type { ShiftBook } from '../swarm/delta/released-shifts.ts'
import { basesFor } from './delta-bases.ts'
import { packBytes, volumeOverheadBytes } from './limits.ts'
import { lengthOf, type PlannedChunk } from './planned-chunk.ts'

export class BundlePlanError extends HintedError<'nothing-to-carry' | 'closure-missing' | 'volume-too-small'> {}

/** What a bundle is for. */
export interface BundleScope {
  /** Only configs of this site's devices. */
  readonly site?: string | undefined
  /** Top levels that the receivers hold, as far as this peer knows their closures. */
  readonly without?: ReadonlyMap<string, Uint8Array>
  /** The largest size of a volume in bytes. */
  readonly volumeBytes?: number | undefined
  /** Whether chunks may be deltas of older ones; true if nothing is said. */
  readonly deltas?: boolean | undefined
  /** How far the content of large paths has moved; nothing is known of it if nothing is said. */
  readonly shifts?: () => Promise<ShiftBook>
}

export interface PlannedVolume {
  readonly packs: readonly (readonly PlannedChunk[])[]
  readonly chunks: number
  readonly bytes: number
}

export interface BundlePlan {
  readonly configs: readonly string[]
  /** SHA-256 in hex of the documents that are named by the releases and the closures, in the order of their use. */
  readonly documents: readonly string[]
  readonly without: readonly string[]
  readonly volumes: readonly PlannedVolume[]
  /** Delta bases, which all receivers hold; none without `without`. */
  readonly baseOf: (chunk: PlannedChunk) => Base | undefined
  /** The closures that the bases are of. */
  readonly held: readonly KnownClosure[]
}

/** Throws a BundlePlanError if this peer lacks a closure's documents, or there is nothing to carry. */
export async function planBundle(
  accepted: AcceptedState,
  closures: Pick<Closures, 'held'>,
  scope: BundleScope,
): Promise<BundlePlan> {
  const shards = shardsIn(accepted.release, scope.site)
  const configs = chosenConfigs(accepted, scope.site)
  const held = new Set<string>()
  const without: string[] = []
  const bases: KnownClosure[] = []
  for (const [topLevel, hash] of scope.without ?? []) {
    const known = await closures.held(hash)
    if (known === undefined) continue
    without.push(topLevel)
    bases.push(known)
    for (const id of documentsOf(known)) held.add(id)
    for (const number of known.list.lengths.keys()) held.add(idOf(known, number))
  }
  const documents = new Set(shards)
  const chunks: PlannedChunk[] = []
  for (const { closure: cid, secrets, topLevel } of configs.values()) {
    const closure = await closures.held(hashOfCid(cid))
    if (closure === undefined) {
      throw new BundlePlanError('closure-missing', `expected the documents of ${topLevel} here, some are missing`, {
        hint: 'Write the bundle on the machine that deployed the release, or `thymesh deploy --force` here.',
      })
    }
    for (const { document } of Object.values(secrets ?? {})) documents.add(toHex(hashOfCid(document)))
    for (const id of documentsOf(closure)) if (!held.has(id)) documents.add(id)
    for (const number of closure.list.lengths.keys()) {
      const id = idOf(closure, number)
      if (held.has(id)) continue
      held.add(id)
      chunks.push({ closure, number })
    }
  }
  const baseOf = scope.deltas === false ? () => undefined : await basesFor(chunks, bases, scope.shifts)
  return {
    baseOf,
    held: bases,
    configs: [...configs.keys()],
    documents: [...documents],
    without,
    volumes: volumesOf(packsOf(chunks), scope.volumeBytes),
  }
}

/** The manifest of a sharded release and its shards: all, or those that devices of a site go by. Throws a ShardError if one is missing. */
function shardsIn(release: Release, site: string | undefined): string[] {
  const manifest = shardsManifestOf(asSigned(release))
  if (release.sharded === undefined || manifest === undefined) return []
  requireWhole(release)
  const { places, waves } = release.sharded
  const devices = Object.entries(release.devices).flatMap(([name, device]) => (device.site === site ? [name] : []))
  const last = devices.reduce((most, name) => Math.max(most, waves.get(name) ?? 1), 1)
  const isolated = (release.rollout?.isolated ?? rolloutDefaults.isolated) !== 'wait'
  const needed = neededShards(places, {
    all: site === undefined || isolated,
    devices,
    ...(release.rollout !== undefined && { waves: { from: 1, to: last - 1 } }),
  })
  return [manifest, ...needed.map(({ entry }) => toHex(entry.hash))]
}

/** The configs of a site's devices, or all; those of sites' own releases are named `site/config`. */
function chosenConfigs(accepted: AcceptedState, site: string | undefined): Map<string, ReleasedConfig> {
  const found = new Map<string, ReleasedConfig>()
  for (const release of releasesOf(accepted)) {
    if (site !== undefined && release.site !== undefined && release.site !== site) continue
    for (const name of namesOf(release, site)) {
      const config = release.configs[name]
      const own = release.site === undefined ? name : `${release.site}/${name}`
      if (config !== undefined) found.set(own, config)
    }
  }
  if (found.size > 0) return found
  const whose = site === undefined ? 'the release' : `a device of the site ${site}`
  throw new BundlePlanError('nothing-to-carry', `expected a config of ${whose}, got none`, {
    hint: 'Name a site that devices of the project have, or leave --for away.',
  })
}

function namesOf(release: Release, site: string | undefined): Set<string> {
  if (site === undefined || release.site === site) return new Set(Object.keys(release.configs))
  const devices = Object.values(release.devices).filter(device => device.site === site)
  return new Set(devices.map(({ config }) => config))
}

function documentsOf({ hash, closure }: KnownClosure): string[] {
  return [toHex(hash), ...closure.paths.map(({ recipe }) => toHex(recipe))]
}

function idOf({ list }: KnownClosure, number: number): string {
  return toHex(list.hash(number))
}

/** In the order of the closures, so that a device with little space imports path after path. */
export function packsOf(chunks: readonly PlannedChunk[]): PlannedChunk[][] {
  const packs: PlannedChunk[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const chunk of chunks) {
    const length = lengthOf(chunk)
    const last = packs.at(-1)
    if (last === undefined || packBodyBytes(last.length + 1, bytes + length) > packBytes) {
      packs.push([chunk])
      bytes = length
      continue
    }
    last.push(chunk)
    bytes += length
  }
  return packs
}

/** By the size before compression, so that the number of volumes is known from the start. */
function volumesOf(packs: readonly PlannedChunk[][], volumeBytes = Number.POSITIVE_INFINITY): PlannedVolume[] {
  if (volumeBytes < volumeOverheadBytes + limits.bundlePackedPack) {
    const least = volumeOverheadBytes + limits.bundlePackedPack
    throw new BundlePlanError('volume-too-small', `expected volumes of at least ${least} bytes, got ${volumeBytes}`, {
      hint: 'Give a larger --volume, such as 4G for FAT32.',
    })
  }
  const volumes: PlannedChunk[][][] = [[]]
  let left = volumeBytes - volumeOverheadBytes
  for (const pack of packs) {
    const bytes = pack.reduce((sum, chunk) => sum + lengthOf(chunk) + 100, 0)
    if (bytes > left && volumes.at(-1)?.length !== 0) {
      volumes.push([])
      left = volumeBytes - volumeOverheadBytes
    }
    volumes.at(-1)?.push(pack)
    left -= bytes
  }
  return volumes.map(each => ({
    packs: each,
    chunks: each.reduce((sum, pack) => sum + pack.length, 0),
    bytes: each.flat().reduce((sum, chunk) => sum + lengthOf(chunk), 0),
  }))
}
