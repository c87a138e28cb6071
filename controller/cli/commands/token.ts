/** `thymesh token`: makes a join token. */

import { fleetStateOf, openState, type PeerState } from '../../../node/state/peer-state.ts'
import { HintedError, ThymeshError } from '../../../protocol/errors.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { shortId } from '../../format/table.ts'
import { makeJoinToken } from '../../members/token.ts'
import { TokenBook } from '../../members/token-book.ts'
import { checkAddresses } from '../../project/addresses.ts'
import { readProjectFiles } from '../../project/files.ts'
import { openProject, type Project } from '../../project/project.ts'
import { requirePlausibleClock } from '../../signing/clock.ts'
import { notAsked } from '../../signing/proposing.ts'
import { answerTo } from '../shell/confirm.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'

export interface TokenOptions extends ProjectOptions {
  names?: string
  site?: string
  relay: boolean
  days: number
  provisionalDays: number
  certificateDays: number
  uses?: number
  overLimit: 'flag' | 'revoke'
  bootstrap: string[]
  trustClock: boolean
}

/** A token's date lifts the time floor of devices that join with it. Compares nothing while another command has the state. */
async function requireClock(fleet: string, home: FleetHome, now: Date): Promise<void> {
  let state: PeerState
  try {
    state = await openState(await home.settings())
  } catch (thrown) {
    if (thrown instanceof ThymeshError && thrown.code === 'in-use') return
    throw thrown
  }
  try {
    const { accepted } = await fleetStateOf(state, fleet)
    if (accepted !== undefined) requirePlausibleClock(accepted.trusted, accepted.release, now)
  } finally {
    await state.database.close()
  }
}

/**
 * The names that a token admits: every holder can join under them. So no pattern is the default; a project with one
 * device means that one.
 */
async function namesOf({ names }: TokenOptions, project: Project): Promise<string> {
  if (names !== undefined) return names
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
  const home = new FleetHome(project.fleet)
  const { members: current } = await home.keys()
  const now = new Date()
  if (!options.trustClock) await requireClock(project.fleet, home, now)
  // A token by a key that the fleet doesn't name lets nobody in: a site's operator has such a one.
  const counts = await home.operatorKeys.counts(current)
  if (counts === false || (counts === undefined && (await home.settings()).join !== undefined)) throw notAsked()
  const names = await namesOf(options, project)
  const { token, grant, envelope } = makeJoinToken(
    {
      fleet: project.fleet,
      names,
      role: options.relay ? 'relay' : 'device',
      ...(options.site !== undefined && { site: options.site }),
      days: options.days,
      provisionalDays: options.provisionalDays,
      certificateDays: options.certificateDays,
      ...(options.uses !== undefined && { uses: options.uses }),
      bootstrap: [...project.bootstrap, ...options.bootstrap],
    },
    await home.operatorKeys.membersKeys(),
    now,
  )
  const id = await new TokenBook(home.directory).add(envelope, options.overLimit)
  const uses = grant.uses === undefined ? '' : `, ${grant.uses} of them`
  note(
    options,
    `Token ${shortId(id)}: for ${grant.role}s named ${grant.names}${uses}${grant.site ? ` at ${grant.site}` : ''}, until ${grant.expires}. It holds a key: hand it on like a password.`,
  )
  const { site = null, expires, certificateDays: provisionalDays, memberDays: certificateDays } = grant
  const days = { provisionalDays, certificateDays }
  print(options, { token, id, names, site, expires, ...days, uses: grant.uses ?? null }, token)
  return undefined
}
