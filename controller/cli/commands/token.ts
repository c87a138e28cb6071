/** `thymesh token`: makes a join token. */

import { fleetStateOf, openState, type PeerState } from '../../../node/state/peer-state.ts'
import { HintedError, ThymeshError } from '../../../protocol/errors.ts'
import { tokenOptions } from '../../api/schemas/token.ts'
import type { FleetHome } from '../../fleet/fleet-home.ts'
import { shortId } from '../../format/table.ts'
import { makeToken } from '../../orders/token.ts'
import { checkAddresses } from '../../project/addresses.ts'
import { readProjectFiles } from '../../project/files.ts'
import { openProject, type Project } from '../../project/project.ts'
import type { SignedState } from '../../signing/signed-changes.ts'
import { withAccess } from '../shell/access.ts'
import { answerTo } from '../shell/confirm.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'

export interface TokenOptions extends ProjectOptions {
  names?: string
  site?: string
  relay: boolean
  viewer: boolean
  days: number
  provisionalDays: number
  certificateDays: number
  uses?: number
  overLimit: 'flag' | 'revoke'
  bootstrap: string[]
  trustClock: boolean
}

/** What this controller accepted last; nothing while another command has the state. */
async function acceptedBy(fleet: string, home: FleetHome): Promise<SignedState | undefined> {
  let state: PeerState
  try {
    state = await openState(await home.settings())
  } catch (thrown) {
    if (thrown instanceof ThymeshError && thrown.code === 'in-use') return undefined
    throw thrown
  }
  try {
    return (await fleetStateOf(state, fleet)).accepted
  } finally {
    await state.database.close()
  }
}

/**
 * The names that a token admits: every holder can join under them. So no pattern is the default; a project with one
 * device means that one.
 */
async function namesOf({ names, viewer }: TokenOptions, project: Project): Promise<string> {
  if (names !== undefined) return names
  if (viewer) {
    throw new HintedError('names-missing', 'expected the name of the viewer, got none', { hint: 'Give --names NAME.' })
  }
  const { devices } = await readProjectFiles(project.directory)
  const [only, ...others] = devices.keys()
  if (only !== undefined && others.length === 0) return only
  const answer = process.stdin.isTTY ? await answerTo('Names of devices that may join with it, such as kiosk-*: ') : ''
  if (answer !== '') return answer
  throw new HintedError('names-missing', 'expected the names of the devices that may join with the token, got none', {
    hint: "Give --names NAME, a pattern such as --names 'kiosk-*', or --names '*' for any name.",
  })
}

export async function token(options: TokenOptions): Promise<undefined> {
  const project = await openProject(options.project)
  checkAddresses(options.bootstrap, '--bootstrap')
  const { site, relay, viewer, days, provisionalDays, certificateDays, uses, overLimit, bootstrap, trustClock } =
    options
  const limits = { days, provisionalDays, certificateDays, uses, overLimit }
  const given = { names: await namesOf(options, project), site, relay, viewer, ...limits, bootstrap, trustClock }
  const wanted = tokenOptions.parse(given)
  const made = await withAccess(options, async access => {
    const there = await access.writeIfRunning('token', wanted)
    return there ?? (await makeToken(access.home, project, wanted, await acceptedBy(project.fleet, access.home)))
  })
  const many = made.uses === null ? '' : `, ${made.uses} of them`
  note(
    options,
    `Token ${shortId(made.id)}: for ${viewer ? 'viewer' : relay ? 'relay' : 'device'}s named ${made.names}${many}${made.site ? ` at ${made.site}` : ''}, until ${made.expires}. It holds a key: hand it on like a password.`,
  )
  print(options, made, made.token)
  return undefined
}
