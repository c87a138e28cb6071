/** The audit log as text: a line for each event. */

import type { AuditLog, LogEvent } from '../api/schemas/trust.ts'
import { releaseName } from '../format/release-name.ts'
import { shortId, table } from '../format/table.ts'

export function logText({ events }: AuditLog): string {
  if (events.length === 0) return 'Nothing is signed yet.'
  const lines = events.map(({ at, atIs, what, version, site, signers, message, proposal }) => [
    atIs === 'signed' ? at : `${at} (seen)`,
    `${what} ${releaseName({ site: site ?? undefined, version })}${proposal === null ? '' : ` (${shortId(proposal)})`}`,
    signers.map(nameOf).join(', ') || 'nobody that counts',
    message,
  ])
  return table(['WHEN', 'WHAT', 'SIGNED BY', 'MESSAGE'], lines)
}

function nameOf({ operator, key, claims }: LogEvent['signers'][number]): string {
  if (operator !== null) return operator
  return claims === undefined ? shortId(key) : `${claims} (${shortId(key)})`
}
