/** `thymesh token`: makes a join token. */

import { checkAddresses } from '../addresses.ts'
import { FleetHome } from '../fleet-home.ts'
import { openProject } from '../project/project.ts'
import { makeJoinToken } from '../token.ts'
import type { ProjectOptions } from './options.ts'
import { note, print } from './output.ts'

export interface TokenOptions extends ProjectOptions {
  names: string
  site?: string
  days: number
  certificateDays: number
  bootstrap: string[]
}

export async function token(options: TokenOptions): Promise<undefined> {
  const project = await openProject(options.project)
  checkAddresses(options.bootstrap, '--bootstrap')
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
