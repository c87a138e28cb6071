/** `thymesh releases`: what was released, when, and what it was built from. */

import type { Command } from 'commander'
import type { Release } from '../../protocol/release.ts'
import type { Session } from '../session.ts'
import { table } from '../view/table.ts'
import { type GlobalOptions, print, projectCommand, run, seconds, takeNews, withSession } from './context.ts'

interface Options extends GlobalOptions {
  wait: number
}

export function releasesCommand(): Command {
  return projectCommand('releases', 'List the releases that this controller knows, the newest first.')
    .option('--wait <seconds>', 'how long to wait for peers', seconds, 2)
    .action((options: Options) => run(options, () => withSession(options, session => releases(session, options))))
}

async function releases(session: Session, options: Options): Promise<undefined> {
  await takeNews(session, options, options.wait)
  const { state } = session.peer
  const versions = (await state.releaseVersions()).reverse()
  const list = (await Promise.all(versions.map(version => state.release(version)))).filter(each => each !== undefined)
  const json = list.map(release => ({
    version: release.version,
    created: release.created,
    message: release.message,
    commit: release.commit ?? null,
    restores: release.restores ?? null,
    configs: Object.fromEntries(
      Object.entries(release.configs).map(([name, config]) => [
        name,
        { ...config, closure: config.closure.toString() },
      ]),
    ),
    devices: release.devices,
  }))
  print(
    options,
    { releases: json },
    table(['RELEASE', 'CREATED', 'COMMIT', 'CONFIGS', 'DEVICES', 'MESSAGE'], list.map(line)),
  )
  return undefined
}

function line(release: Release): string[] {
  return [
    String(release.version),
    release.created,
    release.commit?.slice(0, 9) ?? '-',
    Object.keys(release.configs).join(' ') || '-',
    String(Object.keys(release.devices).length),
    release.restores === undefined ? release.message : `${release.message} (restores ${release.restores})`,
  ]
}
