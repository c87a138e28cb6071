/** `thymesh rollback`: a new release with the configs of an older one. */

import { openProject } from '../project/project.ts'
import { publish } from '../publish.ts'
import { chooseVersion, RollbackError, rollbackContent } from '../rollback.ts'
import type { Session } from '../session.ts'
import { takeNews, withSession } from './context.ts'
import type { WatchOptions } from './options.ts'
import { note } from './output.ts'
import { checkWaitFor, watch } from './watch.ts'

type RollbackOptions = WatchOptions & { to?: number }

export async function rollback(options: RollbackOptions): Promise<number> {
  const project = await openProject(options.project)
  return await withSession(project, options, session => goBack(session, options))
}

async function goBack(session: Session, options: RollbackOptions): Promise<number> {
  const { peer, home } = session
  const keys = await home.keys()
  await takeNews(session, options, 2, 'No peer is in reach yet.')
  const current = peer.state.belief?.release
  if (current === undefined) throw new RollbackError('no-earlier', 'this controller has no release yet')
  const to = chooseVersion(current, await peer.state.releaseVersions(), options.to)
  const old = await peer.state.release(to)
  if (old === undefined) throw new RangeError(`release ${to} is listed, but not there`)
  const content = rollbackContent(current, old, options.message)
  checkWaitFor(options.waitFor, Object.keys(content.devices))
  const release = await publish(peer, content, keys, new Date())
  note(options, `Release ${release.version} is signed and published: it restores release ${release.restores}.`)
  return await watch(session, release, options)
}
