/** `thymesh promote`: opens waves of the current release that wait or are held. */

import { openProject } from '../project/project.ts'
import { PromoteError, promoteContent } from '../promote.ts'
import type { Session } from '../session.ts'
import { takeNews, withSession } from './context.ts'
import type { WatchOptions } from './options.ts'
import { release } from './release.ts'
import { checkWaitFor } from './watch.ts'

type PromoteOptions = WatchOptions & { wave?: number }

export async function promote(options: PromoteOptions): Promise<number> {
  const project = await openProject(options.project)
  return await withSession(project, options, session => goOn(session, options))
}

async function goOn(session: Session, options: PromoteOptions): Promise<number> {
  const { peer } = session
  await takeNews(session, options, 2, 'No peer is in reach yet.')
  const current = peer.state.belief?.release
  if (current === undefined) throw new PromoteError('no-waves', 'this controller has no release yet')
  const content = promoteContent(current, options.wave, options.message)
  checkWaitFor(options.waitFor, Object.keys(content.devices))
  return await release(session, content, options)
}
