/** Puts a sharded release together from those of its shards that are here: whole for controllers, in part for devices. */

import { isDeepStrictEqual } from 'node:util'
import type { Extensions } from '../encoding/extensions.ts'
import { sha256Hex } from '../encoding/hash.ts'
import type { ThymeshError } from '../errors.ts'
import type { Release, ReleaseExtensions, Sharded } from './release.ts'
import { byName, covers, type PlacedEntry } from './shard-entry.ts'
import {
  namedShards,
  placedEntries,
  type Shard,
  ShardError,
  type ShardManifest,
  shardCodec,
  shardManifestCodec,
  shardsExtension,
} from './shards.ts'

/**
 * Refuses a release that names shards and says something else beside: whoever signs it sees what its shards say, so its own document may
 * name no device, and peers that know no shards must not act on it. Shards of sites' own releases are read by nobody. Throws a ShardError.
 */
export function requirePlain({ site, configs, devices, extensions }: Release): void {
  const names = Object.keys({ ...configs, ...devices })
  if (site === undefined && names.length === 0 && extensions?.critical.includes(shardsExtension) === true) return
  const also = names.length > 0 ? `${names.slice(0, 3).join(', ')} beside them` : 'them as not critical'
  throw new ShardError(
    'wrong-manifest',
    `expected a release of the fleet that names devices in its shards alone, got ${site === undefined ? also : `one of the site ${site}`}`,
  )
}

/** Reads the manifest that a release names. Throws a ShardError or FormatError if it isn't one of this fleet with as many devices. */
export function readManifest(plain: Release, bytes: Uint8Array): ShardManifest {
  const named = namedShards(plain)
  if (named === undefined || sha256Hex(bytes) !== named.document) {
    throw new ShardError('wrong-manifest', 'expected the manifest that the release names, got another document')
  }
  const manifest = shardManifestCodec.decode(bytes)
  const devices = placedEntries(manifest).reduce((sum, { entry }) => sum + entry.devices, 0)
  if (manifest.fleet === plain.fleet && devices === named.devices) return manifest
  throw new ShardError(
    'wrong-manifest',
    `expected a manifest of this fleet with ${named.devices} devices, got ${devices} of ${manifest.fleet.slice(0, 12)}`,
  )
}

/** Reads a shard. Throws a ShardError or FormatError if its entries aren't those that its place in the manifest is for. */
export function readShard(plain: Release, { wave, entry }: PlacedEntry, bytes: Uint8Array): Shard {
  const title = `shard ${entry.first} to ${entry.last} of wave ${wave}`
  if (bytes.length !== entry.size || sha256Hex(bytes) !== Buffer.from(entry.hash).toString('hex')) {
    throw new ShardError('wrong-shard', `expected ${title}, got another document`)
  }
  const shard = shardCodec.decode(bytes)
  const names = Object.keys(shard.devices).sort(byName)
  const fits =
    shard.fleet === plain.fleet &&
    shard.wave === wave &&
    names.length === entry.devices &&
    names[0] === entry.first &&
    names.at(-1) === entry.last
  if (fits) return shard
  throw new ShardError(
    'wrong-shard',
    `expected ${entry.devices} devices in ${title}, got ${names.length}, ${names[0]} to ${names.at(-1)} of wave ${shard.wave}`,
  )
}

/** Joins shards to the entries of a release. */
export class ShardJoin {
  readonly #plain: Release
  readonly #manifest: ShardManifest
  readonly #configs: Release['configs'] = {}
  readonly #devices: Release['devices'] = {}
  readonly #extensions: Record<string, Record<string, unknown>> = {}
  readonly #waves = new Map<string, number>()
  readonly #missing: PlacedEntry[] = []

  constructor(plain: Release, manifest: ShardManifest) {
    this.#plain = plain
    this.#manifest = manifest
  }

  /** Adds what is here of a place in the manifest. Throws a ShardError or FormatError. */
  add(place: PlacedEntry, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) {
      this.#missing.push(place)
      return
    }
    const shard = readShard(this.#plain, place, bytes)
    for (const [name, device] of Object.entries(shard.devices)) {
      const other = this.#waves.get(name)
      if (other !== undefined) {
        throw new ShardError(
          'duplicate-device',
          `expected ${name} in one shard, got it in waves ${other} and ${shard.wave}`,
        )
      }
      this.#waves.set(name, shard.wave)
      this.#devices[name] = device
    }
    for (const [name, config] of Object.entries(shard.configs)) {
      merge(this.#configs, name, config)
    }
    for (const [extension, said] of Object.entries(shard.extensions ?? {})) {
      if (!Object.hasOwn(this.#extensions, extension)) this.#extensions[extension] = {}
      const all = this.#extensions[extension] ?? {}
      for (const [name, value] of Object.entries(said as object)) merge(all, name, value)
    }
  }

  /** The release with what was added. */
  done(): Release {
    const sharded: Sharded = {
      plain: this.#plain,
      devicesOf: this.#manifest.waves.map(entries => entries.reduce((sum, { devices }) => sum + devices, 0)),
      places: placedEntries(this.#manifest),
      waves: this.#waves,
      missing: this.#missing,
      problem: undefined,
    }
    const extensions = joined(this.#plain, this.#extensions as Extensions)
    return { ...this.#plain, configs: this.#configs, devices: this.#devices, ...extensions, sharded }
  }
}

/** The extensions as if the release weren't sharded. */
function joined(plain: Release, ofConfigs: Extensions): Pick<Release, 'extensions'> {
  const { [shardsExtension]: _, ...values } = plain.extensions?.values ?? {}
  const names = (namedShards(plain)?.critical ?? []).filter(name => Object.hasOwn(ofConfigs, name))
  const others = (plain.extensions?.critical ?? []).filter(name => name !== shardsExtension)
  const extensions: ReleaseExtensions = {
    values: { ...ofConfigs, ...values },
    critical: [...new Set([...others, ...names])].sort(),
  }
  return Object.keys(extensions.values).length > 0 ? { extensions } : { extensions: undefined }
}

function merge<T>(into: Record<string, T>, name: string, value: T): void {
  if (!Object.hasOwn(into, name)) into[name] = value
  else if (!isDeepStrictEqual(into[name], value)) {
    throw new ShardError('wrong-shard', `expected the same of the config ${name} in all shards, got different ones`)
  }
}

/** A sharded release of which nothing may be acted on: its manifest isn't here, or something in its shards is wrong. */
export function withoutShards(plain: Release, problem?: ThymeshError): Release {
  const sharded: Sharded = { plain, devicesOf: undefined, places: [], waves: new Map(), missing: [], problem }
  return { ...plain, configs: {}, devices: {}, sharded }
}

/** Whether a release may name a device though its entry isn't here. */
export function mayName({ devices, sharded }: Pick<Release, 'devices' | 'sharded'>, device: string): boolean {
  if (sharded === undefined || Object.hasOwn(devices, device)) return false
  return sharded.devicesOf === undefined || sharded.missing.some(({ entry }) => covers(entry, device))
}

/** How many shards of a release aren't here; null where that isn't known without its manifest. */
export interface MissingShards {
  readonly missing: number | null
  readonly of: number | null
}

export function missingOf({ devicesOf, missing, places }: Sharded): MissingShards {
  return devicesOf === undefined ? { missing: null, of: null } : { missing: missing.length, of: places.length }
}

export function missingText({ missing, of }: MissingShards): string {
  return `${missing === null ? 'its manifest' : `${missing} of its ${of} shards`} did not come yet`
}

/** Refuses a release whose shards aren't all here, to those who go by all its devices. Throws a ShardError. */
export function requireWhole({ version, sharded }: Pick<Release, 'version' | 'sharded'>): void {
  if (sharded?.problem !== undefined) throw sharded.problem
  if (sharded === undefined || (sharded.devicesOf !== undefined && sharded.missing.length === 0)) return
  throw new ShardError(
    'shards-missing',
    `expected all shards of release ${version} here, ${missingText(missingOf(sharded))}`,
    {
      hint: 'Try again where another controller is in reach: devices keep only their own part.',
    },
  )
}

/** The release as it was signed, without what its shards say. */
export function asSigned(release: Release): Release {
  return release.sharded?.plain ?? release
}
