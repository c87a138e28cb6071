/** Sites with operators of their own as text: a line each. */

import { shortId, table } from '../format/table.ts'
import type { SiteRow } from '../queries/sites.ts'

export function sitesText({ sites }: { sites: readonly SiteRow[] }): string {
  if (sites.length === 0) return 'No site has operators of its own.'
  const lines = sites.map(({ site, threshold, keys, release, devices, message }) => [
    site,
    `${threshold} of ${keys.length}`,
    keys.map(shortId).join(', '),
    release === null ? '-' : String(release),
    String(devices.length),
    message ?? '',
  ])
  return table(['SITE', 'SIGNATURES', 'KEYS', 'RELEASE', 'DEVICES', 'MESSAGE'], lines)
}
