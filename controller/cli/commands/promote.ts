/** `thymesh promote`: opens waves of the current release that wait or are held. */

import { newestOf } from '../../../node/state/releases.ts'
import { openProject } from '../../project/project.ts'
import { noRelease } from '../../queries/rollout.ts'
import { promoteContent } from '../../release/promote.ts'
import type { Session } from '../../session/session.ts'
import { noSiteRelease } from '../../signing/sites.ts'
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
  const { peer } = session
  await takeNews(session, options, newsSeconds, 'No peer is in reach yet.')
  const current = newestOf(peer.state.accepted, options.site)
  if (current === undefined && options.site !== undefined) throw noSiteRelease(peer, options.site)
  if (current === undefined) throw noRelease('no-waves')
  const content = promoteContent(current, options.wave, options.message)
  checkWaitFor(options.waitFor, devicesInForce(session, { ...content, site: options.site }))
  return await release(session, content, options)
}
