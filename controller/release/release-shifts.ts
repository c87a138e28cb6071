/** Tells in a release how far the content of large programs has moved since what devices run: their deltas get smaller. */

import { newestOf } from '../../node/state/releases.ts'
import { messageOf } from '../../protocol/errors.ts'
import { withShifts } from '../../protocol/release/shifts.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'

/** The content with shifts from the versions that its devices run by their reports, and from those of the last release. */
export async function withReleaseShifts(
  { peer }: Pick<Session, 'peer'>,
  content: ReleaseContent,
  site: string | undefined,
  talk: Talk,
): Promise<ReleaseContent> {
  const wanted = Object.values(content.configs).map(({ closure }) => closure)
  const document = await peer.closures
    .shifts(wanted, runningTopLevels(peer, content, site), {
      signal: talk.signal,
      onProgress: (done, of) =>
        talk.progress({ step: 'Comparing large programs with those that devices run', done, of, unit: 'items' }),
    })
    .catch((thrown: unknown) => {
      talk.signal?.throwIfAborted()
      // They only make the update smaller: nothing is lost with them.
      talk.note(`Large programs were not compared with those that devices run: ${messageOf(thrown)}`)
      return undefined
    })
  talk.progress(undefined)
  return { ...content, extensions: withShifts(content.extensions, document) }
}

/** What most devices run comes first. */
function runningTopLevels(
  { directory, state }: Session['peer'],
  content: ReleaseContent,
  site: string | undefined,
): string[] {
  const counts = new Map<string, number>()
  for (const { name, report } of directory.members()) {
    if (report?.running === undefined || !Object.hasOwn(content.devices, name)) continue
    counts.set(report.running, (counts.get(report.running) ?? 0) + 1)
  }
  const last = Object.values(newestOf(state.accepted, site)?.configs ?? {}).map(({ topLevel }) => topLevel)
  return [...[...counts].sort(([, one], [, other]) => other - one).map(([topLevel]) => topLevel), ...last]
}
