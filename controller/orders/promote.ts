/** The order that opens waves of the current release that wait or are held. */

import type { z } from 'zod'
import type { promoteOptions, Submitted } from '../api/schemas/orders.ts'
import { currentRelease } from '../queries/rollout.ts'
import { promoteContent } from '../release/promote.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { newsSeconds, noPeerYet, submitRelease } from './submit-release.ts'

export async function promote(
  session: Session,
  options: z.output<typeof promoteOptions>,
  talk: Talk,
): Promise<Submitted> {
  const { peer } = session
  await takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
  const make = async () => {
    return promoteContent(currentRelease(peer, options.site, 'no-waves'), options.wave, options.message)
  }
  return await submitRelease(session, make, options, talk)
}
