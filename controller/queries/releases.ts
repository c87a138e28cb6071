/** The answer of `thymesh releases`: what was released, when, and what it was built from. */

import { toHex } from '../../protocol/encoding/hash.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import type { ReleaseRow } from '../api/schemas/releases.ts'
import type { Session } from '../session/session.ts'

/** Those of the fleet, the newest first, then those of sites. */
export async function queryReleases({ peer: { state } }: Session): Promise<ReleaseRow[]> {
  const versions = (await state.releaseVersions()).reverse()
  const ofSites = (await state.siteReleases()).reverse()
  const ofFleet = (await Promise.all(versions.map(version => state.release(version)))).filter(
    each => each !== undefined,
  )
  return [...ofFleet, ...ofSites].map(rowOf)
}

function rowOf(release: Release): ReleaseRow {
  const configs = Object.entries(release.configs).map(([name, config]) => [name, configRow(config)] as const)
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

function configRow({ secrets, closure, ...config }: ReleasedConfig): ReleaseRow['configs'][string] {
  const rows = Object.entries(secrets ?? {}).map(([name, { document, source, ...rest }]) => {
    return [name, { ...rest, document: document.toString(), source: toHex(source) }] as const
  })
  return { ...config, closure: closure.toString(), ...(secrets && { secrets: Object.fromEntries(rows) }) }
}
