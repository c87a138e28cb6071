/** A site's uplink as text. */

import type { UplinkUse } from '../api/schemas/status.ts'
import { size } from '../format/table.ts'

export function uplinkText({ site, bytesPerDay, spent, open, opensAt }: UplinkUse): string {
  const used = bytesPerDay === null ? `${size(spent)} today` : `${size(spent)} of ${size(bytesPerDay)} used today`
  const closed = open ? '' : `; closed until ${opensAt ?? 'for ever'}`
  return `Uplink of ${site}: ${used}${closed}`
}
