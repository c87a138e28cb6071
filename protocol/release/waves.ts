/** Assigns a release's devices to waves. Every peer computes the same result from the release alone. */

import { sha256, toHex } from '../encoding/hash.ts'
import type { Release } from './release.ts'
import { rolloutDefaults, type WavePolicy } from './rollout-policy.ts'

export interface Wave {
  /** Starting at 1. */
  readonly number: number
  /** How it selects its devices, in words: `tag canary`, `10 %`. */
  readonly title: string
  /** Names of its devices, in order of selection. */
  readonly devices: readonly string[]
  readonly soakSeconds: number
  readonly failures: number
  readonly absent: number
}

/** The version of a release's content: its own, or that of the release that it promotes. */
export function contentVersion(release: Pick<Release, 'version' | 'promotes'>): number {
  return release.promotes?.release ?? release.version
}

const known = new WeakMap<Release, readonly Wave[]>()

/** The release's waves. Every device is in exactly one; without a policy there is one wave of all devices. */
export function wavesOf(release: Release): readonly Wave[] {
  const waves = known.get(release) ?? workOut(release)
  known.set(release, waves)
  return waves
}

function workOut(release: Release): Wave[] {
  const policy = release.rollout
  const order = ranked(Object.keys(release.devices), `${release.fleet}/${contentVersion(release)}`)
  const left = new Set(order)
  const choose = (wave: WavePolicy) => {
    const devices = chosenBy(wave, order, left, release)
    for (const device of devices) left.delete(device)
    return devices
  }
  const chosen = (policy?.waves ?? []).map(wave => ({ wave, title: titleOf(wave), devices: choose(wave) }))
  const rest = { wave: undefined, title: policy === undefined ? 'all devices' : 'all others', devices: [...left] }
  return [...chosen, ...(rest.devices.length > 0 || policy === undefined ? [rest] : [])].map(
    ({ wave, title, devices }, index) => ({
      number: index + 1,
      title,
      devices,
      soakSeconds: wave?.soakSeconds ?? policy?.soakSeconds ?? rolloutDefaults.soakSeconds,
      failures: wave?.failures ?? policy?.failures ?? rolloutDefaults.failures,
      absent: wave?.absent ?? policy?.absent ?? rolloutDefaults.absent,
    }),
  )
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
