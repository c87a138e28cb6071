/** `thymesh log`: who signed what and when. */

import { releaseName } from '../../format/release-name.ts'
import { shortId, table } from '../../format/table.ts'
import { auditLog, type LogEvent } from '../../queries/log.ts'
import type { ProjectOptions } from '../shell/options.ts'
import type { Query } from '../shell/questions.ts'
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
