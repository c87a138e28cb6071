/** The order that ends the life of a device in the fleet: its membership, its entry, its place in the release. */

import type { z } from 'zod'
import type { retiredSchema, retireOptions } from '../api/schemas/life.ts'
import { readProject } from '../inputs/read-project.ts'
import { deliverHead } from '../members/delivery.ts'
import { revoke } from '../members/revoke.ts'
import { forgetInAlerts, removeEntry } from '../project/entries.ts'
import { contentWithoutDevice } from '../release/devices.ts'
import { resealed } from '../release/reseal.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf } from '../signing/proposing.ts'
import type { Talk } from '../tasks/talk.ts'
import { editEntry, holdersOf, inTurn, memberKeys, releasesNaming, secretsOf } from './life-parts.ts'
import { unknownDevice } from './reassign.ts'
import { noPeerYet, submitRelease } from './submit-release.ts'

/**
 * In this order: the project's files, which may need other changes first, the membership, the release; given again, it does what
 * is left.
 */
export async function retire(
  session: Session,
  options: z.output<typeof retireOptions>,
  talk: Talk,
): Promise<z.output<typeof retiredSchema>> {
  return await inTurn(session, () => retireNow(session, options, talk))
}

async function retireNow(
  session: Session,
  options: z.output<typeof retireOptions>,
  talk: Talk,
): Promise<z.output<typeof retiredSchema>> {
  const { peer, signing } = session
  const { device, wait, trustClock } = options
  await takeNews(session, talk.note, wait, noPeerYet, talk.signal)
  const holders = holdersOf(session, device)
  const { files } = await readProject(session.directory)
  const named = releasesNaming(session, device)
  if (holders.length === 0 && !files.devices.has(device) && named.length === 0) throw unknownDevice(session, device)
  const secrets = secretsOf(session, device)
  const keys = await memberKeys(session)
  const reason = options.reason ?? 'retired'
  const gone = holders.map(({ peer: subject, name }) => ({ kind: 'peer' as const, subject, name, reason }))
  const edited = await editEntry(session, device, options.commit, (edit, open) =>
    open.files.devices.has(device)
      ? removeEntry(edit, 'devices', device, open.files)
      : forgetInAlerts(edit, device, open.files),
  )
  if (gone.length > 0) await signing.run(() => revoke(peer, gone, keys, new Date()))
  for (const { site } of named) {
    if (site !== undefined) talk.note(`The site ${site} has releases of its own: its operators deploy anew without it.`)
  }
  const content = async () => {
    const current = acceptedOf(peer).release
    const without = contentWithoutDevice(current, device, options.message ?? `${device} is retired`)
    return (await resealed(session, current, without, talk)).content
  }
  const isNamed = Object.hasOwn(acceptedOf(peer).release.devices, device)
  const release = isNamed ? await submitRelease(session, content, { waitFor: [], trustClock }, talk) : null
  const told = await deliverHead(peer, wait * 1000)
  return {
    device,
    revoked: holders.map(({ name, peer: id }) => ({ name, peer: id })),
    ...edited,
    release,
    told,
    secrets,
  }
}
