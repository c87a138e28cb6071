/** Rolling back: a new release that names the configs of an older one, and says so. */

import { withAlerts } from '../../protocol/alerts/in-release.ts'
import { alertsOf } from '../../protocol/alerts/rules.ts'
import { hashOfCid } from '../../protocol/encoding/cid.ts'
import { HintedError } from '../../protocol/errors.ts'
import { hubsOf } from '../../protocol/release/hubs.ts'
import { requireWhole } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import { uplinksOf, withUplinks } from '../../protocol/release/site-uplinks.ts'
import { requireUnderstood } from '../../protocol/release/understood.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { releaseName } from '../format/release-name.ts'
import { boundConfigs, contentOfBound } from './bindings.ts'
import { hubContent } from './hub-content.ts'

export class RollbackError extends HintedError<'no-earlier' | 'unknown-version' | 'unknown-device' | 'not-kept'> {}

/** Version 1 of the fleet is the founding: it names nothing to go back to. */
const firstDeployed = 2

/**
 * The version to go back to, of those that are known, lowest first: the wanted one, else the one before the current
 * release, or before what that restored. Throws a RollbackError.
 */
export function chooseVersion(current: Release, known: readonly number[], wanted?: number): number {
  const from = current.restores ?? current.version
  const earlier = known.filter(
    version => version >= (current.site === undefined ? firstDeployed : 1) && version < current.version,
  )
  const hint = '`thymesh releases` lists the releases.'
  const chosen = wanted ?? earlier.findLast(version => version < from)
  if (earlier.length === 0 || chosen === undefined) {
    throw new RollbackError(
      'no-earlier',
      `there is no deployed release before ${releaseName({ ...current, version: from })} to go back to`,
      { hint },
    )
  }
  if (earlier.includes(chosen)) return chosen
  throw new RollbackError('unknown-version', `expected one of the releases ${ranges(earlier)}, got ${chosen}`, { hint })
}

/** 2, 3, 4, 7 as `2-4, 7`. */
function ranges(versions: readonly number[]): string {
  const found: [number, number][] = []
  for (const version of versions) {
    const last = found.at(-1)
    if (last !== undefined && version === last[1] + 1) last[1] = version
    else found.push([version, version])
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ')
}

/**
 * The content of the new release: each device gets the config that the old release gave it, with the Nix key's
 * signatures. A device that the old one didn't name keeps its config, in the old version where there is one. With
 * `only`, other devices keep what they have.
 *
 * It has no waves: a rollback should be fast.
 */
export function rollbackContent(
  current: Release,
  old: Release,
  message: string | undefined,
  only?: readonly string[],
): ReleaseContent {
  const restores = old.restores ?? old.version
  const base = {
    message:
      message ??
      `back to release ${releaseName(old)}${only === undefined ? '' : ` on ${only.join(', ')}`}`.slice(0, 1000),
    restores,
    ...(old.commit !== undefined && { commit: old.commit }),
  }
  for (const release of [current, old]) {
    requireUnderstood(release)
    requireWhole(release)
  }
  const content =
    only === undefined
      ? { devices: { ...current.devices, ...old.devices }, configs: { ...boundConfigs(current), ...boundConfigs(old) } }
      : partly(current, old, only)
  const used = new Set(Object.values(content.devices).map(({ config }) => config))
  const bound = contentOfBound(onlyOf(content.configs, name => used.has(name)))
  // Who is told of what stays as it is, and the budgets of uplinks: an old release may know nothing of today's devices.
  const extensions = withUplinks(withAlerts(bound.extensions, alertsOf(current)), uplinksOf(current))
  const told = { ...base, devices: content.devices, ...bound, extensions }
  // The hubs that there are now, not those of then.
  return hubContent(told, { hubs: hubsOf(current) })
}

/** Some devices as the old release had them. Its configs get names of their own where the current ones are others. */
function partly(current: Release, old: Release, only: readonly string[]) {
  const devices = { ...current.devices }
  const configs = boundConfigs(current)
  const earlier = boundConfigs(old)
  for (const name of only) {
    const device = old.devices[name]
    const config = device && earlier[device.config]
    if (device === undefined || config === undefined) {
      throw new RollbackError('unknown-device', `release ${old.version} has nothing for ${name}`, {
        hint: 'Choose another release with --to VERSION.',
      })
    }
    const same = current.configs[device.config]?.topLevel === config.config.topLevel
    const suffix = `-release-${old.version}`
    const named = same ? device.config : `${device.config.slice(0, 63 - suffix.length)}${suffix}`
    configs[named] = config
    devices[name] = { ...device, config: named }
  }
  return { devices, configs }
}

/**
 * Refuses to go back to a release whose closures nobody may be able to fetch any more: it is not one of those that every peer
 * keeps (`kept`, by version), and this controller lacks the documents that say what is in them. Throws a RollbackError.
 */
export async function requireKept(
  old: Release,
  kept: readonly number[],
  isHere: (closure: Uint8Array) => Promise<boolean>,
  only: readonly string[] = Object.keys(old.devices),
): Promise<void> {
  if (kept.includes(old.version)) return
  const configs = new Set(only.flatMap(name => old.devices[name]?.config ?? []))
  for (const name of configs) {
    const closure = old.configs[name]?.closure
    if (closure === undefined || (await isHere(hashOfCid(closure)))) continue
    const commit = old.commit?.slice(0, 9) ?? 'COMMIT'
    throw new RollbackError(
      'not-kept',
      `release ${old.version} is too old: the description of its config ${name} is not kept any more`,
      {
        hint: `The newest ${kept.length} releases are kept. Build it again: git checkout ${commit} -- . && git commit, then thymesh deploy.`,
      },
    )
  }
}

/** Names of the devices that were chosen by name or by tag; nothing when none was chosen. Throws a RollbackError. */
export function chosenDevices(
  release: Release,
  chosen: { device: readonly string[]; tag: readonly string[] },
): string[] | undefined {
  if (chosen.device.length === 0 && chosen.tag.length === 0) return undefined
  const names = Object.keys(release.devices)
  const unknown = chosen.device.find(name => !names.includes(name))
  if (unknown !== undefined) {
    throw new RollbackError('unknown-device', `expected a device of release ${release.version}, got ${unknown}`, {
      hint: `It has the devices ${names.slice(0, 20).join(', ') || '(none)'}.`,
    })
  }
  const tagged = (tag: string) => names.filter(name => release.devices[name]?.tags?.includes(tag))
  const without = chosen.tag.find(tag => tagged(tag).length === 0)
  if (without !== undefined) {
    const tags = [...new Set(Object.values(release.devices).flatMap(device => device.tags ?? []))].sort()
    throw new RollbackError('unknown-device', `no device of release ${release.version} has the tag ${without}`, {
      hint: `Its devices have these tags: ${tags.slice(0, 20).join(', ') || 'none'}.`,
    })
  }
  return [...new Set([...chosen.device, ...chosen.tag.flatMap(tagged)])].sort()
}

function onlyOf<T>(record: Readonly<Record<string, T>>, wanted: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => wanted(name)))
}
