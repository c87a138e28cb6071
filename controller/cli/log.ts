/** `thymesh log`: who signed what and when. */

import { auditLog, type LogEvent } from '../audit.ts'
import { openProject } from '../project/project.ts'
import { releaseName } from '../view/release.ts'
import { table } from '../view/table.ts'
import { takeNews, withSession } from './context.ts'
import type { ProjectOptions } from './options.ts'
import { print } from './output.ts'

export async function log(options: ProjectOptions & { wait: number }): Promise<undefined> {
  const project = await openProject(options.project)
  return await withSession(project, options, async session => {
    await takeNews(session, options, options.wait)
    const events = await auditLog(session.peer, session.audit)
    print(options, { events }, events.length === 0 ? 'Nothing is signed yet.' : text(events))
    return undefined
  })
}

function text(events: readonly LogEvent[]): string {
  const lines = events.map(({ at, atIs, what, version, site, signers, message, proposal }) => [
    atIs === 'signed' ? at : `${at} (seen)`,
    `${what} ${releaseName({ site: site ?? undefined, version })}${proposal === null ? '' : ` (${proposal.slice(0, 8)})`}`,
    signers.map(({ operator, key }) => operator ?? key.slice(0, 8)).join(', ') || 'nobody that counts',
    message,
  ])
  return table(['WHEN', 'WHAT', 'SIGNED BY', 'MESSAGE'], lines)
}
