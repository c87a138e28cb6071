/** `thymesh promote`: opens waves of the current release that wait or are held. */

import { openProject } from '../../project/project.ts'
import { currentRelease } from '../../queries/rollout.ts'
import { promoteContent } from '../../release/promote.ts'
import type { Session } from '../../session/session.ts'
import { takeNews, withSession } from '../shell/context.ts'
import { newsSeconds } from '../shell/limits.ts'
import { checkWaitFor } from '../shell/watch.ts'
import { devicesInForce, type ReleaseOptions, release } from './release.ts'

type PromoteOptions = ReleaseOptions & { wave?: number }

export async function promote(options: PromoteOptions): Promise<number> {
  const project = await openProject(options.project)
  return await withSession(project, options, session => goOn(session, options))
}

async function goOn(session: Session, options: PromoteOptions): Promise<number> {
  await takeNews(session, options, newsSeconds, 'No peer is in reach yet.')
  const current = currentRelease(session.peer, options.site, 'no-waves')
  const content = promoteContent(current, options.wave, options.message)
  checkWaitFor(options.waitFor, devicesInForce(session, { ...content, site: options.site }))
  return await release(session, content, options)
}
