/** The order that gives a site another name: in the project, in the release in force, and in its members' certificates. */

import type { z } from 'zod'
import { pause } from '../../node/concurrency/pause.ts'
import { sitesOf } from '../../protocol/trust/sites.ts'
import type { renameSiteOptions, siteRenamedSchema } from '../api/schemas/life.ts'
import type { Submitted } from '../api/schemas/orders.ts'
import { readProject } from '../inputs/read-project.ts'
import { deliverHead } from '../members/delivery.ts'
import { ProjectEdit } from '../project/edit.ts'
import { renameSite as renameInProject, siteIsNamed } from '../project/rename-site.ts'
import { contentWithSite, namesSite } from '../release/sites.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { committed } from './edit-project.ts'
import { inTurn, LifeError, memberKeys } from './life-parts.ts'
import { noPeerYet, submitRelease } from './submit-release.ts'

type Options = z.output<typeof renameSiteOptions>
type Renamed = z.output<typeof siteRenamedSchema>

/** In the order of `reassign`, and like that: given again, it does what a failure has left. */
export async function renameSite(session: Session, options: Options, talk: Talk): Promise<Renamed> {
  return await inTurn(session, () => renameNow(session, options, talk))
}

async function renameNow(session: Session, options: Options, talk: Talk): Promise<Renamed> {
  const { peer, registrar } = session
  const { site: from, to } = options
  await takeNews(session, talk.note, options.wait, noPeerYet, talk.signal)
  const { project, files, describe } = await readProject(session.directory)
  const membersOf = (site: string) => peer.directory.certificates().filter(each => each.site === site)
  const current = peer.state.accepted?.release
  const isNamed = (site: string) => current !== undefined && namesSite(current, site)
  const isKnown = (site: string) => membersOf(site).length > 0 || siteIsNamed(files, site) || isNamed(site)
  const delegations = sitesOf(peer.state.accepted?.trusted.targets)
  for (const site of [from, to]) if (delegations.has(site)) throw delegated(site)
  if (!isKnown(from)) {
    throw new LifeError('unknown-site', `neither the project nor a member names the site ${from}`, {
      hint: 'Name a site as devices/NAME.json or `thymesh members` has it.',
    })
  }
  // The same order has begun before, where only the new name is left in the project or the release. Where one of them has both,
  // they are two sites, which nothing could take apart again.
  const places = [(site: string) => siteIsNamed(files, site), isNamed]
  const isBegun = places.some(says => says(to) && !says(from)) && !places.some(says => says(to) && says(from))
  if (from === to || (isKnown(to) && !isBegun)) {
    throw new LifeError('name-taken', `expected a name that no site has, got ${to}`, {
      hint: 'Choose another one; or move each device there: `thymesh move NAME --site SITE`.',
    })
  }
  const keys = await memberKeys(session)
  const edit = new ProjectEdit(project.directory)
  await renameInProject(edit, files, [from, to])
  const written = await edit.apply(describe)
  const { commit, commitError } = await committed(edit.directory, written, options.commit)
  const release = isNamed(from) ? await released(session, options, talk) : null
  const members = membersOf(from)
  for (const { peer: id, name } of members) await registrar.reassign(id, { name, site: to }, keys)
  await pause(peer.neighbours.sync(), options.wait * 1000)
  const told = await deliverHead(peer, options.wait * 1000)
  talk.note(told.length > 0 ? `Delivered to ${told.join(', ')}, who relay it.` : 'No peer has it yet.')
  return {
    ...{ site: to, was: from, members: members.map(({ name }) => name).sort() },
    ...{ written, commit, commitError: commitError?.message ?? null, release, told },
  }
}

async function released(session: Session, options: Options, talk: Talk): Promise<Submitted | null> {
  const { site, to, message, trustClock } = options
  const content = async () => {
    const newest = session.peer.state.accepted?.release
    if (newest === undefined) throw delegated(site)
    return contentWithSite(newest, [site, to], message ?? `the site ${site} is called ${to}`)
  }
  return await submitRelease(session, content, { waitFor: [], trustClock }, talk)
}

/** Its operators sign for a role of the site's name. */
function delegated(site: string): LifeError {
  return new LifeError('delegated', `expected a site without operators of its own, got ${site}`, {
    hint: `Take it back first (thymesh site revoke ${site}), and delegate it anew under its new name.`,
  })
}
