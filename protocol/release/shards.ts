/**
 * The documents of a sharded release, for fleets whose entries don't fit into one document: a manifest that names shards by their
 * hash, and the shards, each with the entries of some devices of one wave. The release itself names the manifest by an extension.
 */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { type Extensions, extensionsSchema } from '../encoding/extensions.ts'
import { fleetIdSchema, formatVersion, nameSchema } from '../encoding/fields.ts'
import { ThymeshError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type Release, type ReleaseExtensions, releasedConfigSchema, releasedDeviceSchema } from './release.ts'
import { byName, type PlacedEntry, shardEntrySchema } from './shard-entry.ts'

/** The release's extension that names the manifest: critical, since the document of such a release names no device. */
export const shardsExtension = 'shards'

export class ShardError extends ThymeshError<
  'wrong-manifest' | 'wrong-shard' | 'duplicate-device' | 'no-shard' | 'too-large' | 'shards-missing'
> {}

const extensionSchema = z.strictObject({
  /** SHA-256 of the manifest, in hex. */
  document: z.string().regex(/^[0-9a-f]{64}$/),
  devices: z.int().min(1).max(limits.members),
  /** Extensions by config that are in the shards, and critical. */
  critical: z.array(nameSchema).max(limits.extensions),
})
export type NamedShards = z.infer<typeof extensionSchema>

/** What a release says of its shards; undefined if it isn't sharded. Throws a ShardError if it says so in an unknown form. */
export function namedShards({ extensions }: Pick<Release, 'extensions'>): NamedShards | undefined {
  const value = extensions?.values[shardsExtension]
  if (value === undefined) return undefined
  const parsed = extensionSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ShardError('wrong-manifest', 'expected the hash of a manifest and its devices in the shards of the release')
}

/** `namedShards` for those who only follow what they can read. */
export function shardsManifestOf(release: Pick<Release, 'extensions'>): string | undefined {
  return extensionSchema.safeParse(release.extensions?.values[shardsExtension]).data?.document
}

/** Extensions that name this manifest instead of those by config, which are in the shards. */
export function withNamedShards(extensions: ReleaseExtensions, named: NamedShards): ReleaseExtensions {
  const values = { ...extensions.values, [shardsExtension]: { ...named } }
  return { values, critical: [...extensions.critical, shardsExtension].sort() }
}

const manifestSchema = z
  .strictObject({
    v: formatVersion,
    fleet: fleetIdSchema,
    /** The shards of each wave, by name. A wave may be empty, the manifest not. */
    waves: z
      .array(z.array(shardEntrySchema).max(limits.releaseShards))
      .min(1)
      .max(limits.waves + 1),
  })
  .check(({ value, issues }) => {
    const refuse = (path: PropertyKey[], message: string) =>
      issues.push({ code: 'custom', input: undefined, path: ['waves', ...path], message })
    const all = value.waves.flat()
    if (all.length === 0 || all.length > limits.releaseShards) {
      refuse([], `expected 1 to ${limits.releaseShards} shards, got ${all.length}`)
    }
    const devices = all.reduce((sum, entry) => sum + entry.devices, 0)
    if (devices > limits.members) refuse([], `expected at most ${limits.members} devices, got ${devices}`)
    for (const [wave, entries] of value.waves.entries()) {
      const at = entries.findIndex((entry, index) => index > 0 && entry.first <= (entries[index - 1]?.last ?? ''))
      if (at !== -1) refuse([wave, at], 'expected shards of a wave in order, without a name that two of them may have')
    }
  })
export type ShardManifest = z.infer<typeof manifestSchema>
export const shardManifestCodec = codec<ShardManifest>('manifest of shards', limits.shardManifest, manifestSchema)

const shardSchema = z
  .strictObject({
    v: formatVersion,
    fleet: fleetIdSchema,
    /** Starting at 1. */
    wave: z
      .int()
      .min(1)
      .max(limits.waves + 1),
    configs: z.record(nameSchema, releasedConfigSchema),
    devices: z.record(nameSchema, releasedDeviceSchema),
    /** Extensions of the release that speak of configs, by name: for these configs. */
    extensions: extensionsSchema({ one: limits.releaseShard, all: limits.releaseShard }).optional(),
  })
  .check(({ value, issues }) => {
    const refuse = (path: PropertyKey[], input: unknown, message: string) =>
      issues.push({ code: 'custom', input, path, message })
    const used = new Set(Object.values(value.devices).map(({ config }) => config))
    for (const name of used) {
      if (!Object.hasOwn(value.configs, name)) refuse(['devices'], name, `expected the config ${name} of its devices`)
    }
    for (const name of Object.keys(value.configs)) {
      if (!used.has(name)) refuse(['configs', name], name, 'expected only configs of its devices')
    }
    for (const [extension, said] of Object.entries(value.extensions ?? {})) {
      const isByConfig = said !== null && typeof said === 'object' && !Array.isArray(said)
      if (isByConfig && Object.keys(said).every(name => used.has(name))) continue
      refuse(['extensions', extension], said, 'expected values by config, of configs of its devices')
    }
  })
export interface Shard extends Pick<Release, 'fleet' | 'configs' | 'devices'> {
  readonly v: 1
  readonly wave: number
  readonly extensions?: Extensions | undefined
}
export const shardCodec = codec<Shard>('shard of a release', limits.releaseShard, shardSchema as z.ZodType<Shard>)

/** All shards, in the manifest's order. */
export function placedEntries({ waves }: ShardManifest): PlacedEntry[] {
  return waves.flatMap((entries, at) => entries.map(entry => ({ wave: at + 1, entry })))
}

/** What a peer needs of a sharded release. */
export interface ShardInterest {
  /** Whether it keeps all shards. */
  readonly all: boolean
  /** Devices whose entries it needs: its own, and those of its site. */
  readonly devices: readonly string[]
  /** Waves that it needs whole, from and to, both included. */
  readonly waves?: { readonly from: number; readonly to: number } | undefined
}

/** Those of some shards that somebody needs: at most one a wave for each device. */
export function neededShards(
  placed: readonly PlacedEntry[],
  { all, devices, waves }: ShardInterest,
): readonly PlacedEntry[] {
  if (all) return placed
  const sorted = [...devices].sort(byName)
  return placed.filter(({ wave, entry }) => {
    if (waves !== undefined && waves.from <= wave && wave <= waves.to) return true
    const next = sorted[firstFrom(sorted, entry.first)]
    return next !== undefined && next <= entry.last
  })
}

/** The index of the first name that isn't before this one. */
function firstFrom(sorted: readonly string[], name: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') < name) low = middle + 1
    else high = middle
  }
  return low
}
