/** The order that makes a new release with the configs of an older one. */

import type { z } from 'zod'
import { keptReleases } from '../../node/state/limits.ts'
import type { rollbackOptions, Submitted } from '../api/schemas/orders.ts'
import { currentRelease } from '../queries/rollout.ts'
import { chooseVersion, chosenDevices, requireKept, rollbackContent } from '../release/rollback.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { newsSeconds, noPeerYet, submitRelease } from './submit-release.ts'

type RollbackOptions = z.output<typeof rollbackOptions>

export async function rollback(session: Session, options: RollbackOptions, talk: Talk): Promise<Submitted> {
  await takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
  return await submitRelease(session, () => contentOf(session, options), options, talk)
}

async function contentOf({ peer }: Session, options: RollbackOptions) {
  const { site } = options
  const current = currentRelease(peer, site, 'no-earlier')
  const only = chosenDevices(current, options)
  const to = chooseVersion(current, await peer.state.releaseVersions(site), options.to)
  const old = await peer.state.release(to, site)
  if (old === undefined) throw new RangeError(`release ${to} is listed, but not there`)
  const kept = (await peer.state.releaseVersions(site)).slice(-keptReleases)
  await requireKept(old, kept, closure => peer.closures.holds(closure), only)
  return rollbackContent(current, old, options.message, only)
}
