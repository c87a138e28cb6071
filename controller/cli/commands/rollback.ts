/** `thymesh rollback`: a new release with the configs of an older one. */

import { keptReleases } from '../../../node/state/limits.ts'
import { openProject } from '../../project/project.ts'
import { currentRelease } from '../../queries/rollout.ts'
import { chooseVersion, chosenDevices, requireKept, rollbackContent } from '../../release/rollback.ts'
import type { Session } from '../../session/session.ts'
import { takeNews, withSession } from '../shell/context.ts'
import { newsSeconds } from '../shell/limits.ts'
import { checkWaitFor } from '../shell/watch.ts'
import { devicesInForce, type ReleaseOptions, release } from './release.ts'

type RollbackOptions = ReleaseOptions & { to?: number; device: string[]; tag: string[] }

export async function rollback(options: RollbackOptions): Promise<number> {
  const project = await openProject(options.project)
  return await withSession(project, options, session => goBack(session, options))
}

async function goBack(session: Session, options: RollbackOptions): Promise<number> {
  const { peer } = session
  await takeNews(session, options, newsSeconds, 'No peer is in reach yet.')
  const { site } = options
  const current = currentRelease(peer, site, 'no-earlier')
  const only = chosenDevices(current, options)
  const to = chooseVersion(current, await peer.state.releaseVersions(site), options.to)
  const old = await peer.state.release(to, site)
  if (old === undefined) throw new RangeError(`release ${to} is listed, but not there`)
  const kept = (await peer.state.releaseVersions(site)).slice(-keptReleases)
  await requireKept(old, kept, closure => peer.closures.holds(closure), only)
  const content = rollbackContent(current, old, options.message, only)
  checkWaitFor(options.waitFor, devicesInForce(session, { ...content, site }))
  return await release(session, content, options)
}
