/** `thymesh rollback`: a new release with the configs of an older one. */

import type { Command } from 'commander'
import { publish } from '../publish.ts'
import { previousVersion, RollbackError, rollbackContent } from '../rollback.ts'
import type { Session } from '../session.ts'
import { note, positiveInteger, projectCommand, run, takeNews, withSession } from './context.ts'
import { type WatchOptions, watch, watchOptions } from './deploy.ts'

export function rollbackCommand(): Command {
  return watchOptions(projectCommand('rollback', 'Go back: a new release that names the configs of an older one.'))
    .option('--to <version>', 'the release to go back to (default: the one before)', positiveInteger)
    .option('-m, --message <text>', 'why, for people')
    .action((options: WatchOptions & { to?: number }) =>
      run(options, () => withSession(options, session => rollback(session, options))),
    )
}

async function rollback(session: Session, options: WatchOptions & { to?: number }): Promise<number> {
  const { peer, home } = session
  const keys = await home.keys()
  await takeNews(session, options, 2)
  const current = peer.state.belief?.release
  const versions = await peer.state.releaseVersions()
  if (current === undefined) throw new RollbackError('no-earlier', 'this controller has no release yet')
  const to = options.to ?? previousVersion(current, versions)
  const old = await peer.state.release(to)
  if (old === undefined || to >= current.version || to < 2) {
    throw new RollbackError('unknown-version', `expected a release from 2 to ${current.version - 1}, got ${to}`, {
      hint: '`thymesh releases` lists what there is.',
    })
  }
  const release = await publish(peer, rollbackContent(current, old, options.message), keys, new Date())
  note(options, `Release ${release.version} is signed and published: it restores release ${release.restores}.`)
  return await watch(session, release, options)
}
