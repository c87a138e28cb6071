/** Orders about access: grants come and go with a release that changes nothing else. */

import type { z } from 'zod'
import { type AccessGrant, accessOf } from '../../protocol/release/access.ts'
import { sshKeyIn } from '../../protocol/release/ssh-key.ts'
import type { accessChangedSchema, grantOptions, withdrawOptions } from '../api/schemas/access.ts'
import { currentRelease } from '../queries/rollout.ts'
import { accessContent, type GrantWish, grantsWith, grantsWithout } from '../release/access.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { newsSeconds, noPeerYet, submitRelease } from './submit-release.ts'

type Changed = z.output<typeof accessChangedSchema>
type Signing = Pick<z.output<typeof grantOptions>, 'site' | 'message' | 'trustClock'>

export async function grantAccess(
  session: Session,
  options: z.output<typeof grantOptions>,
  talk: Talk,
): Promise<Changed> {
  const { operator, users, may, until } = options
  const wish: GrantWish = {
    ...{ operator, users, may, keys: options.keys.map(sshKeyIn) },
    ...(options.devices.length > 0 && { devices: options.devices }),
    ...(options.tags.length > 0 && { tags: options.tags }),
    ...(options.sites.length > 0 && { sites: options.sites }),
    ...(options.record && { record: true }),
    ...(until !== undefined && { until }),
  }
  return await change(session, options, talk, `access for ${operator}`, grants => {
    const { grants: next, id } = grantsWith(grants, wish)
    return { next, changed: [id] }
  })
}

export async function withdrawAccess(
  session: Session,
  options: z.output<typeof withdrawOptions>,
  talk: Talk,
): Promise<Changed> {
  return await change(session, options, talk, `no access any more: ${options.grants.join(', ')}`, grants => {
    const { grants: next, gone } = grantsWithout(grants, options.grants)
    return { next, changed: gone }
  })
}

async function change(
  session: Session,
  { site, message, trustClock }: Signing,
  talk: Talk,
  title: string,
  make: (grants: readonly AccessGrant[]) => { next: readonly AccessGrant[]; changed: string[] },
): Promise<Changed> {
  await takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
  let grants: string[] = []
  const content = async () => {
    const current = currentRelease(session.peer, site)
    const { next, changed } = make(accessOf(current))
    grants = changed
    return accessContent(current, next, message ?? title.slice(0, 200))
  }
  const submitted = await submitRelease(session, content, { site, trustClock, waitFor: [] }, talk)
  return { ...submitted, grants }
}
