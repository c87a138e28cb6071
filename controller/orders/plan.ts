/** The order that prepares a release as `deploy` does, and says what it would cost each site in place of signing it. */

import type { z } from 'zod'
import { newestOf } from '../../node/state/releases.ts'
import type { deployOptions, Planned } from '../api/schemas/orders.ts'
import { sitePlans } from '../release/site-plan.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { prepared } from './deploy.ts'

export async function plan(session: Session, options: z.output<typeof deployOptions>, talk: Talk): Promise<Planned> {
  return await prepared(session, options, talk, async ({ content, same }) => {
    const release = same?.version ?? (newestOf(session.peer.state.accepted, options.site)?.version ?? 0) + 1
    const sites = await sitePlans(session.peer, content)
    return { release, ...(options.site !== undefined && { site: options.site }), same: same !== undefined, sites }
  })
}
