/** `thymesh releases`: what was released, when, and what it was built from. */

import type { Release } from '../../../protocol/release/release.ts'
import { releaseName } from '../../format/release-name.ts'
import { table } from '../../format/table.ts'
import type { ProjectOptions } from '../shell/options.ts'
import type { Query } from '../shell/questions.ts'
import { show } from '../shell/reader.ts'

export interface ReleasesOptions extends ProjectOptions {
  wait: number
}

export async function releases(options: ReleasesOptions): Promise<undefined> {
  return await show('releases', options, {})
}

export const releasesQuery: Query<object> = async ({ peer: { state } }) => {
  const versions = (await state.releaseVersions()).reverse()
  const ofSites = (await state.siteReleases()).reverse()
  const ofFleet = (await Promise.all(versions.map(version => state.release(version)))).filter(
    each => each !== undefined,
  )
  const known = [...ofFleet, ...ofSites]
  const json = known.map(release => ({
    site: release.site ?? null,
    version: release.version,
    created: release.created,
    message: release.message,
    commit: release.commit ?? null,
    restores: release.restores ?? null,
    configs: Object.fromEntries(
      Object.entries(release.configs).map(([name, config]) => [
        name,
        { ...config, closure: config.closure.toString() },
      ]),
    ),
    devices: release.devices,
  }))
  const heading = ['RELEASE', 'CREATED', 'COMMIT', 'CONFIGS', 'DEVICES', 'MESSAGE']
  return { json: { releases: json }, text: table(heading, known.map(line)) }
}

function line(release: Release): string[] {
  return [
    releaseName(release),
    release.created,
    release.commit?.slice(0, 9) ?? '-',
    Object.keys(release.configs).join(' ') || '-',
    String(Object.keys(release.devices).length),
    release.restores === undefined ? release.message : `${release.message} (restores ${release.restores})`,
  ]
}
