/** The answer of `thymesh releases`: what was released, when, and what it was built from. */

import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import type { Session } from '../session/session.ts'

export interface ReleaseRow {
  /** The site whose own release it is; null for the fleet's. */
  readonly site: string | null
  readonly version: number
  readonly created: string
  readonly message: string
  readonly commit: string | null
  /** The release whose configs it brings back. */
  readonly restores: number | null
  readonly configs: Record<string, Omit<ReleasedConfig, 'closure'> & { closure: string }>
  readonly devices: Release['devices']
}

/** Those of the fleet, the newest first, then those of sites. */
export async function queryReleases({ peer: { state } }: Session): Promise<{ releases: ReleaseRow[] }> {
  const versions = (await state.releaseVersions()).reverse()
  const ofSites = (await state.siteReleases()).reverse()
  const ofFleet = (await Promise.all(versions.map(version => state.release(version)))).filter(
    each => each !== undefined,
  )
  return { releases: [...ofFleet, ...ofSites].map(rowOf) }
}

function rowOf(release: Release): ReleaseRow {
  const configs = Object.entries(release.configs).map(
    ([name, config]) => [name, { ...config, closure: config.closure.toString() }] as const,
  )
  return {
    site: release.site ?? null,
    version: release.version,
    created: release.created,
    message: release.message,
    commit: release.commit ?? null,
    restores: release.restores ?? null,
    configs: Object.fromEntries(configs),
    devices: release.devices,
  }
}
