/** `thymesh viewer`: makes this machine's controller a member of the fleet that sees everything and signs nothing. */

import { HintedError } from '../../../protocol/errors.ts'
import { grantKind, parseJoinToken } from '../../../protocol/members/join-token.ts'
import { readEnvelope } from '../../../protocol/signing/dsse.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { operatorName } from '../../fleet/names.ts'
import { checkAddresses } from '../../project/addresses.ts'
import { openProject } from '../../project/project.ts'
import { readToken, requireToken } from '../shell/join-token.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface ViewerOptions extends ProjectOptions {
  token: string
  name?: string
  listen: string[]
  mdns: boolean
}

export async function viewer(options: ViewerOptions): Promise<undefined> {
  const { listen, mdns } = options
  const project = await openProject(options.project)
  checkAddresses(listen, '--listen')
  const home = new FleetHome(project.fleet)
  if ((await home.operatorKeys.files('root')).length > 0) {
    throw new HintedError('exists', `${home.operatorKeys.directory} has keys of this fleet: you are an operator`, {
      hint: 'An operator sees all that a viewer sees.',
    })
  }
  const token = await readToken(options.token)
  const { names } = readEnvelope(grantKind, parseJoinToken(token).grant).document
  const name = options.name ?? (names.includes('*') ? operatorName() : names)
  requireToken(token, { option: 'the token', fleet: project.fleet, name, role: 'controller' })
  await home.writeSettings({ mdns, join: { token, name }, ...(listen.length > 0 && { listen }) })
  print(
    options,
    { name, directory: home.directory },
    `You are ${name}, a viewer of the fleet. Try: thymesh status, thymesh web`,
  )
  return undefined
}
