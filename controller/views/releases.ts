/** Releases as text: a line each. */

import type { ReleaseRow } from '../api/schemas/releases.ts'
import { releaseName } from '../format/release-name.ts'
import { table } from '../format/table.ts'

export function releasesText({ releases }: { releases: readonly ReleaseRow[] }): string {
  return table(['RELEASE', 'CREATED', 'COMMIT', 'CONFIGS', 'DEVICES', 'MESSAGE'], releases.map(line))
}

function line({ site, version, created, commit, configs, devices, message, restores }: ReleaseRow): string[] {
  return [
    releaseName({ site: site ?? undefined, version }),
    created,
    commit?.slice(0, 9) ?? '-',
    Object.keys(configs).join(' ') || '-',
    String(Object.keys(devices).length),
    restores === null ? message : `${message} (restores ${restores})`,
  ]
}
