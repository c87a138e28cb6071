/** `thymesh log`: who signed what and when. */

import type { Query } from '../../queries/index.ts'
import { auditLog, type LogEvent } from '../../signing/audit.ts'
import { releaseName } from '../../text/release.ts'
import { shortId, table } from '../../text/table.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { show } from '../shell/reader.ts'

export async function log(options: ProjectOptions & { wait: number }): Promise<undefined> {
  return await show('log', options, {})
}

export const logQuery: Query<object> = async ({ peer, audit }) => {
  const events = await auditLog(peer, audit)
  return { json: { events }, text: events.length === 0 ? 'Nothing is signed yet.' : text(events) }
}

function text(events: readonly LogEvent[]): string {
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
