/** Rolling back: a new release that names the configs of an older one, and says so. */

import { ThymeshError } from '../protocol/errors.ts'
import type { Release } from '../protocol/release.ts'
import type { ReleaseContent } from '../protocol/trust/publish.ts'

export class RollbackError extends ThymeshError<'no-earlier' | 'unknown-version'> {}

/** Version 1 is the founding: it names nothing to go back to. */
const firstDeployed = 2

/**
 * The version to go back to, of those that are known, lowest first: the wanted one, else the one before the current
 * release, or before what that restored. Throws a RollbackError.
 */
export function chooseVersion(current: Release, known: readonly number[], wanted?: number): number {
  const from = current.restores ?? current.version
  const earlier = known.filter(version => version >= firstDeployed && version < current.version)
  const hint = '`thymesh releases` lists what there is.'
  const chosen = wanted ?? earlier.findLast(version => version < from)
  if (earlier.length === 0 || chosen === undefined) {
    throw new RollbackError('no-earlier', `there is no deployed release before ${from} to go back to`, { hint })
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
 * What the new release says: each device gets what the old release gave it. A device that the old one didn't name keeps
 * its config, in the old version where there is one.
 */
export function rollbackContent(current: Release, old: Release, message: string | undefined): ReleaseContent {
  const devices = { ...current.devices, ...old.devices }
  const used = new Set(Object.values(devices).map(({ config }) => config))
  const configs = Object.fromEntries(
    Object.entries({ ...current.configs, ...old.configs }).filter(([name]) => used.has(name)),
  )
  const restores = old.restores ?? old.version
  return {
    message: message ?? `back to release ${old.version}`,
    restores,
    ...(old.commit !== undefined && { commit: old.commit }),
    configs,
    devices,
  }
}
