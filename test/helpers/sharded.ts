/** Large releases for tests, and sharded ones that are put together again. */

import { sha256, toHex } from '../../protocol/encoding/hash.ts'
import { readManifest, ShardJoin } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import { neededShards, placedEntries, type ShardInterest } from '../../protocol/release/shards.ts'
import type { SplitRelease } from '../../protocol/release/split-release.ts'
import { testClosure, testConfig, testFleet } from './fleet.ts'

/** The name of the device of this number in `shardedSample`. */
export const sampleName = (at: number) => `kiosk-${String(at).padStart(5, '0')}`

/** A release for so many devices, in sites of twenty; each with a config of its own, or all with one. */
export function shardedSample(devices: number, init: { own?: boolean } = {}): Release {
  const kiosk = testConfig(testClosure('kiosk'))
  const names = Array.from({ length: devices }, (_, at) => sampleName(at))
  const configOf = (name: string) => (init.own === true ? `${name}-config` : 'kiosk')
  const configs = [...new Set(names.map(configOf))]
  const values = (value: string | string[]) => Object.fromEntries(configs.map(name => [name, value]))
  return {
    v: 1,
    fleet: testFleet().fleet,
    version: 2,
    created: '2026-01-31T12:00:00Z',
    message: 'many',
    configs: Object.fromEntries(configs.map(name => [name, kiosk])),
    devices: Object.fromEntries(
      names.map((name, at) => [name, { config: configOf(name), site: `site-${Math.floor(at / 20)}` }]),
    ),
    extensions: {
      values: { binding: values([`test-1:${'A'.repeat(88)}`]), uplinks: { 'site-0': { bytes: 1 } } },
      critical: ['binding'],
    },
  }
}

/** Documents by their SHA-256, in hex. */
export function byHash(documents: readonly Uint8Array[]): Map<string, Uint8Array> {
  return new Map(documents.map(bytes => [toHex(sha256(bytes)), bytes]))
}

/** A split release, put together of all shards, or of those that somebody needs. */
export function joinSplit({ plain, documents }: SplitRelease, interest?: ShardInterest): Release {
  const [manifestBytes = new Uint8Array()] = documents
  const manifest = readManifest(plain, manifestBytes)
  const needed = new Set(
    neededShards(placedEntries(manifest), interest ?? { all: true, devices: [] }).map(({ entry }) => entry),
  )
  const here = byHash(documents)
  const join = new ShardJoin(plain, manifest)
  for (const place of placedEntries(manifest)) {
    join.add(place, needed.has(place.entry) ? here.get(toHex(place.entry.hash)) : undefined)
  }
  return join.done()
}
