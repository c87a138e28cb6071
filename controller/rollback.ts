/** Rolling back: a new release that names the configs of an older one, and says so. */

import { ThymeshError } from '../protocol/errors.ts'
import type { Release } from '../protocol/release.ts'
import type { ReleaseContent } from '../protocol/trust/publish.ts'

export class RollbackError extends ThymeshError<'no-earlier' | 'unknown-version'> {}

/** The version that a rollback without `--to` goes back to: the one before the release, or before what it restored. */
export function previousVersion(current: Release, versions: readonly number[]): number {
  const from = current.restores ?? current.version
  const earlier = versions.filter(version => version < from).at(-1)
  // Version 1 is the founding: it names nothing to go back to.
  if (earlier === undefined || earlier < 2) {
    throw new RollbackError('no-earlier', `there is no release before ${from} to go back to`, {
      hint: '`thymesh releases` lists what there is.',
    })
  }
  return earlier
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
