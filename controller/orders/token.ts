/** Makes a join token: it is in the answer and nowhere else, but for its public half in the token book. */

import type { z } from 'zod'
import type { tokenMadeSchema, tokenOptions } from '../api/schemas/token.ts'
import type { FleetHome } from '../fleet/fleet-home.ts'
import { makeJoinToken } from '../members/token.ts'
import { TokenBook } from '../members/token-book.ts'
import { checkAddresses } from '../project/addresses.ts'
import { openProject, type Project } from '../project/project.ts'
import type { Session } from '../session/session.ts'
import { requirePlausibleClock } from '../signing/clock.ts'
import { notAsked } from '../signing/proposing.ts'
import type { SignedState } from '../signing/signed-changes.ts'

type Options = z.output<typeof tokenOptions>

/** In a controller at work. */
export async function makeTokenHere(session: Session, options: Options): Promise<z.infer<typeof tokenMadeSchema>> {
  const project = await openProject(session.directory)
  return await makeToken(session.home, project, options, session.peer.state.accepted)
}

/** A token's date lifts the time floor of devices that join with it: it is compared with what is `accepted`, if anything. */
export async function makeToken(
  home: FleetHome,
  project: Project,
  options: Options,
  accepted: SignedState | undefined,
): Promise<z.infer<typeof tokenMadeSchema>> {
  checkAddresses(options.bootstrap, '--bootstrap')
  const { members: current } = await home.keys()
  const now = new Date()
  if (!options.trustClock && accepted !== undefined) requirePlausibleClock(accepted.trusted, accepted.release, now)
  // A token by a key that the fleet doesn't name lets nobody in: a site's operator has such a one.
  const counts = await home.operatorKeys.counts(current)
  if (counts === false || (counts === undefined && (await home.settings()).join !== undefined)) throw notAsked()
  // A viewer is one person.
  const uses = options.uses ?? (options.viewer ? 1 : undefined)
  const { token, grant, envelope } = makeJoinToken(
    {
      fleet: project.fleet,
      names: options.names,
      role: options.viewer ? 'controller' : options.relay ? 'relay' : 'device',
      ...(options.site !== undefined && { site: options.site }),
      days: options.days,
      provisionalDays: options.provisionalDays,
      certificateDays: options.certificateDays,
      ...(uses !== undefined && { uses }),
      bootstrap: [...project.bootstrap, ...options.bootstrap],
    },
    await home.operatorKeys.membersKeys(),
    now,
  )
  const id = await new TokenBook(home.directory).add(envelope, options.overLimit)
  const { names, site = null, expires, certificateDays: provisionalDays, memberDays = options.certificateDays } = grant
  const days = { provisionalDays, certificateDays: memberDays }
  return { token, id, names, site, expires, ...days, uses: grant.uses ?? null }
}
