/** How many members answer now: connections from before a switch may be dead without anybody having noticed. */

import type { Admission } from './admission.ts'
import type { Host } from './host.ts'

/** Asks all that are connected at once. Resolves when each has answered or failed, at the latest when the signal aborts. */
export async function answeringMembers(
  { host, admission }: { host: Host; admission: Pick<Admission, 'members'> },
  signal: AbortSignal,
): Promise<number> {
  const answers = await Promise.allSettled(
    admission.members.map(({ peer }) => host.services.ping.ping(peer, { signal })),
  )
  return answers.filter(({ status }) => status === 'fulfilled').length
}
