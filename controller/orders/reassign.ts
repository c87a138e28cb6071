/** The order that gives a device another name or another site, while it runs and without joining anew. */

import type { z } from 'zod'
import { pause } from '../../node/concurrency/pause.ts'
import type { reassignedSchema, reassignOptions } from '../api/schemas/life.ts'
import type { Submitted } from '../api/schemas/orders.ts'
import { readProject } from '../inputs/read-project.ts'
import { deliverHead } from '../members/delivery.ts'
import { renameEntry, renameInAlerts, setPath, unsetPath } from '../project/entries.ts'
import { contentWithDevice } from '../release/devices.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { editEntry, holderOf, inTurn, LifeError, memberKeys, releasesNaming, requireFree } from './life-parts.ts'
import { noPeerYet, submitRelease } from './submit-release.ts'

type Options = z.output<typeof reassignOptions>

/** Releases that are looked at for a name that is nobody's now. */
const lookedBack = 50

/**
 * In this order: the project's files, the release in force, the certificate. What was done is kept where a later step fails:
 * the same order, given again, does the rest.
 */
export async function reassign(
  session: Session,
  options: Options,
  talk: Talk,
): Promise<z.output<typeof reassignedSchema>> {
  return await inTurn(session, () => reassignNow(session, options, talk))
}

async function reassignNow(session: Session, options: Options, talk: Talk): Promise<z.output<typeof reassignedSchema>> {
  const { peer, registrar } = session
  await takeNews(session, talk.note, options.wait, noPeerYet, talk.signal)
  const from = options.device
  const to = options.name ?? from
  const { files } = await readProject(session.directory)
  const entry = files.devices.get(from) ?? files.devices.get(to)
  const present = holderOf(session, from)
  const done = present === undefined && from !== to ? holderOf(session, to) : undefined
  const member = present ?? done
  const named = releasesNaming(session, from)
  const isThere = files.devices.has(from) || present !== undefined || named.length > 0
  if (!isThere && !(await wasReleased(session, from))) throw unknownDevice(session, from)
  if (from !== to) requireFree(session, { from, to, isSigned: done !== undefined && !files.devices.has(from) })
  const before = member?.site ?? entry?.content?.site
  const site = options.site === undefined ? before : (options.site ?? undefined)
  const keys = member && (await memberKeys(session))
  const title = from === to ? `${from} moves to ${site ?? 'no site'}` : `${from} is called ${to}`
  const edited = await editEntry(session, from, options.commit, async (edit, open) => {
    if (!open.files.devices.has(from)) {
      if (from !== to) await renameInAlerts(edit, 'devices', [from, to], open.files)
      return
    }
    if (options.site === null && entry?.content?.site !== undefined) {
      await unsetPath(edit, 'devices', from, ['site'], open.files)
    } else if (options.site != null) {
      await setPath(edit, 'devices', from, ['site'], options.site, open.files)
    }
    if (from !== to) await renameEntry(edit, 'devices', [from, to], open.files)
  })
  const release = await released(session, options, { to, title }, talk)
  // Another name alone changes no site: the project's may be another one than the certificate's.
  const signedSite = options.site === undefined ? member?.site : site
  if (member !== undefined && keys !== undefined && (member.name !== to || member.site !== signedSite)) {
    await registrar.reassign(member.peer, { name: to, site: signedSite }, keys)
    await pause(peer.neighbours.sync(), options.wait * 1000)
  }
  const told = await deliverHead(peer, options.wait * 1000)
  talk.note(told.length > 0 ? `Delivered to ${told.join(', ')}, who relay it.` : 'No peer has it yet.')
  return {
    ...{ device: to, site: site ?? null, was: { device: from, site: before ?? null } },
    ...{ peer: member?.peer ?? null, ...edited, release, told },
  }
}

/** A release of the fleet that says the same, with the device as it is now; sites' own releases are their operators'. */
async function released(
  session: Session,
  { device, message, trustClock, site: wished }: Options,
  { to, title }: { to: string; title: string },
  talk: Talk,
): Promise<Submitted | null> {
  for (const { site: own } of releasesNaming(session, device)) {
    if (own !== undefined) talk.note(`The site ${own} has releases of its own: its operators deploy it anew.`)
  }
  const current = session.peer.state.accepted?.release
  const declared = current?.devices[device]
  if (current === undefined || declared === undefined || !Object.hasOwn(current.devices, device)) return null
  const site = wished === undefined ? declared.site : (wished ?? undefined)
  if (device === to && declared.site === site) return null
  const content = async () => {
    const newest = session.peer.state.accepted?.release ?? current
    return contentWithDevice(newest, device, { name: to, site }, message ?? title)
  }
  return await submitRelease(session, content, { waitFor: [], trustClock }, talk)
}

/** Whether an order that is given again may mean it: a mistyped name is in no release of before. */
async function wasReleased({ peer }: Session, device: string): Promise<boolean> {
  const versions = (await peer.state.releaseVersions()).slice(-lookedBack)
  const releases = await Promise.all(versions.map(version => peer.state.release(version)))
  return releases.some(release => release !== undefined && Object.hasOwn(release.devices, device))
}

export function unknownDevice({ peer }: Session, name: string): LifeError {
  const known = peer.directory.certificates().flatMap(each => (each.role === 'device' ? [each.name] : []))
  return new LifeError('unknown-device', `neither the project nor the fleet has a device named ${name}`, {
    hint: `Known devices: ${known.sort().slice(0, 20).join(', ') || 'none'}.`,
  })
}
