/** Sites with operators of their own as text: a line each. */

import type { SiteRow } from '../api/schemas/trust.ts'
import { shortId, table } from '../format/table.ts'

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
