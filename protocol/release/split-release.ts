/** Splits a release whose entries don't fit into one document: what is common stays, the rest goes into shards and their manifest. */

import { encode } from '@ipld/dag-cbor'
import type { Extensions, ExtensionValue } from '../encoding/extensions.ts'
import { sha256, sha256Hex } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { bindingExtension } from './binding.ts'
import { rebootExtension } from './reboot-policy.ts'
import type { Release, ReleaseExtensions } from './release.ts'
import { byName, type ShardEntry } from './shard-entry.ts'
import { type Shard, ShardError, shardCodec, shardManifestCodec, withNamedShards } from './shards.ts'
import { wavesOf } from './waves.ts'

/** Extensions whose value is a map by config: a device needs what its own config has of them. */
const byConfig: readonly string[] = [bindingExtension, rebootExtension]

/** A split release: its document names no device, and its extensions name the manifest. */
export interface SplitRelease {
  readonly plain: Release
  /** The manifest and all shards: whoever signs the release has to keep them, so that others find them by their hash. */
  readonly documents: readonly Uint8Array[]
}

/**
 * Splits a whole release. Shards hold entries of one wave in the order of names, so that most stay the same when a device is added,
 * and about `shardBytes` each. Throws a ShardError if there are too many devices or shards, or the entry of one device is too large.
 */
export function splitRelease(whole: Release, shardBytes: number = limits.releaseShardAim): SplitRelease {
  const { sharded: _, extensions, ...release } = whole
  const devices = Object.keys(release.devices).length
  if (devices > limits.members) throw tooLarge(`expected at most ${limits.members} devices, got ${devices}`)
  const pieces = new Pieces(release, extensions?.values ?? {}, shardBytes)
  const shards: Uint8Array[] = []
  const waves = wavesOf(whole).map(wave =>
    pieces.of(wave.number, wave.devices).map((shard): ShardEntry => {
      const names = Object.keys(shard.devices).sort(byName)
      const bytes = encoded(shard)
      shards.push(bytes)
      const [first = '', last = first] = [names[0], names.at(-1)]
      return { first, last, devices: names.length, hash: sha256(bytes), size: bytes.length }
    }),
  )
  if (shards.length > limits.releaseShards) {
    throw tooLarge(`expected at most ${limits.releaseShards} shards, got ${shards.length}`)
  }
  const manifest = shardManifestCodec.encode({ v: 1, fleet: release.fleet, waves })
  const critical = (extensions?.critical ?? []).filter(name => byConfig.includes(name))
  const named = { document: sha256Hex(manifest), devices, critical }
  return {
    plain: { ...release, configs: {}, devices: {}, extensions: withNamedShards(common(extensions), named) },
    documents: [manifest, ...shards],
  }
}

/** The extensions that don't go by config. */
function common(extensions: ReleaseExtensions | undefined): ReleaseExtensions {
  const values = Object.entries(extensions?.values ?? {}).filter(([name]) => !byConfig.includes(name))
  const critical = (extensions?.critical ?? []).filter(name => !byConfig.includes(name))
  return { values: Object.fromEntries(values), critical }
}

function encoded(shard: Shard): Uint8Array {
  try {
    return shardCodec.encode(shard)
  } catch (thrown) {
    throw new ShardError('too-large', `the entries of ${Object.keys(shard.devices)[0]} don't fit into a shard`, {
      cause: thrown,
    })
  }
}

function tooLarge(message: string): ShardError {
  return new ShardError('too-large', message)
}

/** Cuts the devices of waves into shards. */
class Pieces {
  readonly #release: Pick<Release, 'fleet' | 'configs' | 'devices'>
  readonly #extensions: readonly (readonly [string, Readonly<Record<string, ExtensionValue>>])[]
  readonly #shardBytes: number
  /** The bytes that each config takes, with its part of the extensions. */
  readonly #sizes = new Map<string, number>()

  constructor(release: Pick<Release, 'fleet' | 'configs' | 'devices'>, extensions: Extensions, shardBytes: number) {
    this.#release = release
    this.#shardBytes = shardBytes
    this.#extensions = byConfig.flatMap(name => {
      const value = extensions[name]
      return isMap(value) ? [[name, value] as const] : []
    })
  }

  /** The shards of one wave. */
  of(wave: number, names: readonly string[]): Shard[] {
    const shards: string[][] = []
    let bytes = Number.POSITIVE_INFINITY
    let configs = new Set<string>()
    for (const name of [...names].sort(byName)) {
      const config = this.#release.devices[name]?.config ?? ''
      const own = name.length + encode(this.#release.devices[name]).length + 2
      const more = own + (configs.has(config) ? 0 : this.#sizeOf(config))
      const last = shards.at(-1)
      if (last === undefined || bytes + more > this.#shardBytes) {
        shards.push([name])
        configs = new Set([config])
        bytes = own + this.#sizeOf(config)
        continue
      }
      last.push(name)
      configs.add(config)
      bytes += more
    }
    return shards.map(each => this.#shard(wave, each))
  }

  #sizeOf(config: string): number {
    const known = this.#sizes.get(config)
    if (known !== undefined) return known
    const parts = [this.#release.configs[config], ...this.#extensions.map(([, value]) => value[config] ?? null)]
    const size = parts.reduce<number>((sum, part) => sum + plainSize(part) + config.length + 2, 0)
    this.#sizes.set(config, size)
    return size
  }

  #shard(wave: number, names: readonly string[]): Shard {
    const { fleet, configs, devices } = this.#release
    const used = [...new Set(names.flatMap(name => devices[name]?.config ?? []))]
    const only = <T>(from: Readonly<Record<string, T>>, which: readonly string[]) =>
      Object.fromEntries(which.flatMap(name => (Object.hasOwn(from, name) ? [[name, from[name] as T]] : [])))
    const parts = this.#extensions.flatMap(([name, value]) => {
      const own = only(value, used)
      return Object.keys(own).length > 0 ? [[name, own] as const] : []
    })
    return {
      ...{ v: 1, fleet, wave },
      configs: only(configs, used),
      devices: only(devices, names),
      ...(parts.length > 0 && { extensions: Object.fromEntries(parts) as Extensions }),
    }
  }
}

/** Its size as CBOR; of an estimate, a config's absent parts don't matter. */
function plainSize(value: unknown): number {
  return encode(JSON.parse(JSON.stringify(value ?? null))).length
}

function isMap(value: unknown): value is Readonly<Record<string, ExtensionValue>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)
}
