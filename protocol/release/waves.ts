/** Assigns a release's devices to waves. Every peer computes the same result from the release alone. */

import { sha256, toHex } from '../encoding/hash.ts'
import type { Release, Sharded } from './release.ts'
import { rolloutDefaults, type WavePolicy } from './rollout-policy.ts'
import type { ShardEntry } from './shard-entry.ts'

export interface Wave {
  /** Starting at 1. */
  readonly number: number
  /** How it selects its devices, in words: `tag canary`, `10 %`. */
  readonly title: string
  /** Names of its devices, in order of selection. */
  readonly devices: readonly string[]
  /** Shards with further devices of it, which aren't here; none if the release isn't sharded. */
  readonly unknown?: readonly ShardEntry[]
  readonly soakSeconds: number
  readonly failures: number
  readonly absent: number
}

/** The version of a release's content: its own, or that of the release that it promotes. */
export function contentVersion(release: Pick<Release, 'version' | 'promotes'>): number {
  return release.promotes?.release ?? release.version
}

const known = new WeakMap<Release, readonly Wave[]>()

/**
 * The release's waves. Every device is in exactly one; without a policy there is one wave of all devices. Of a sharded release the
 * manifest says who is in which, so that a device knows its wave by its own shard alone.
 */
export function wavesOf(release: Release): readonly Wave[] {
  const waves = known.get(release) ?? workOut(release)
  known.set(release, waves)
  return waves
}

function workOut(release: Release): Wave[] {
  const policy = release.rollout
  const order = ranked(Object.keys(release.devices), `${release.fleet}/${contentVersion(release)}`)
  const all =
    release.sharded === undefined ? chosenWaves(order, release) : wavesOfShards(order, release, release.sharded)
  return all.map(({ wave, title, devices, unknown }, index) => ({
    number: index + 1,
    title,
    devices,
    ...(unknown !== undefined && unknown.length > 0 && { unknown }),
    soakSeconds: wave?.soakSeconds ?? policy?.soakSeconds ?? rolloutDefaults.soakSeconds,
    failures: wave?.failures ?? policy?.failures ?? rolloutDefaults.failures,
    absent: wave?.absent ?? policy?.absent ?? rolloutDefaults.absent,
  }))
}

interface ChosenWave {
  readonly wave: WavePolicy | undefined
  readonly title: string
  readonly devices: readonly string[]
  readonly unknown?: readonly ShardEntry[]
}

function chosenWaves(order: readonly string[], release: Release): ChosenWave[] {
  const left = new Set(order)
  const choose = (wave: WavePolicy) => {
    const devices = chosenBy(wave, order, left, release)
    for (const device of devices) left.delete(device)
    return devices
  }
  const waves = release.rollout?.waves ?? []
  const chosen = waves.map(wave => ({ wave, title: titleOf(wave), devices: choose(wave) }))
  const isLast = left.size > 0 || release.rollout === undefined
  return [...chosen, ...(isLast ? [{ wave: undefined, title: titleOfRest(release), devices: [...left] }] : [])]
}

/** None as long as the manifest isn't here. */
function wavesOfShards(
  order: readonly string[],
  release: Release,
  { devicesOf, waves, missing }: Sharded,
): ChosenWave[] {
  const devices = Map.groupBy(order, name => waves.get(name))
  return (devicesOf ?? []).map((_, at) => {
    const wave = release.rollout?.waves[at]
    const unknown = missing.filter(each => each.wave === at + 1).map(({ entry }) => entry)
    return { wave, title: wave ? titleOf(wave) : titleOfRest(release), devices: devices.get(at + 1) ?? [], unknown }
  })
}

function titleOfRest({ rollout }: Pick<Release, 'rollout'>): string {
  return rollout === undefined ? 'all devices' : 'all others'
}

/**
 * Orders names by rendezvous hashing (highest random weight, Thaler and Ravishankar 1998). Every peer computes the
 * same order for a seed; each seed gives another one, so no device always comes first. Adding or removing a device
 * moves no other.
 */
export function ranked(names: readonly string[], seed: string): string[] {
  const scores = new Map(names.map(name => [name, toHex(sha256(Buffer.from(`${seed}/${name}`)))]))
  const score = (name: string) => scores.get(name) ?? ''
  return [...names].sort((a, b) => (score(a) < score(b) ? -1 : score(a) > score(b) ? 1 : 0))
}

function chosenBy(
  wave: WavePolicy,
  order: readonly string[],
  left: ReadonlySet<string>,
  { devices }: Release,
): readonly string[] {
  const free = order.filter(name => left.has(name))
  if (wave.tag !== undefined) return free.filter(name => devices[name]?.tags?.includes(wave.tag ?? ''))
  if (wave.count !== undefined) return free.slice(0, wave.count)
  if (wave.percent !== undefined) return free.slice(0, Math.ceil((order.length * wave.percent) / 100))
  const seen = new Set<string>()
  return free.filter(name => {
    const site = devices[name]?.site ?? ''
    return !seen.has(site) && seen.add(site)
  })
}

function titleOf({ tag, count, percent }: WavePolicy): string {
  if (tag !== undefined) return `tag ${tag}`
  if (count !== undefined) return count === 1 ? '1 device' : `${count} devices`
  return percent === undefined ? 'one device of each site' : `${percent} %`
}
