/** `thymesh token`: makes a join token. */

import type { Command } from 'commander'
import { FleetHome } from '../fleet-home.ts'
import { openProject } from '../project.ts'
import { makeJoinToken } from '../token.ts'
import { collect, type GlobalOptions, note, positiveInteger, print, projectCommand, run } from './context.ts'

interface Options extends GlobalOptions {
  names: string
  site?: string
  days: number
  certificateDays: number
  bootstrap: string[]
}

export function tokenCommand(): Command {
  return projectCommand('token', 'Make a join token: with it devices become members, also where no controller is.')
    .option('--names <pattern>', 'names of devices that may join with it, such as kiosk-*', '*')
    .option('--site <site>', 'the site that its devices belong to')
    .option('--days <n>', 'days for which it can be used', positiveInteger, 30)
    .option('--certificate-days <n>', 'days for which a membership holds', positiveInteger, 730)
    .option('--bootstrap <multiaddr>', "a peer to start from, beside the project's; repeat for more", collect, [])
    .action((options: Options) => run(options, () => token(options)))
}

async function token(options: Options): Promise<undefined> {
  const project = await openProject(options.project)
  const { members } = await new FleetHome(project.fleet).keys()
  const { token, grant } = makeJoinToken(
    {
      fleet: project.fleet,
      names: options.names,
      ...(options.site !== undefined && { site: options.site }),
      days: options.days,
      certificateDays: options.certificateDays,
      bootstrap: [...project.bootstrap, ...options.bootstrap],
    },
    members,
    new Date(),
  )
  note(
    options,
    `For devices named ${grant.names}${grant.site ? ` at ${grant.site}` : ''}, until ${grant.expires}. It holds a key: hand it on like a password.`,
  )
  const { names, site = null, expires } = grant
  print(options, { token, names, site, expires, certificateDays: grant.certificateDays }, token)
  return undefined
}
