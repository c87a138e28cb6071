/** How many members answer now: connections from before a switch may be dead without anybody having noticed. */

import type { Host } from '../transport/host.ts'
import type { Admission } from './admission.ts'

export interface ReachableMembers {
  /** All that answered. */
  readonly all: number
  /** Those among them that stay: a controller is a laptop that comes and goes. */
  readonly steady: number
}

/** Asks all that are connected at once. Resolves when each has answered or failed, at the latest when the signal aborts. */
export async function countReachableMembers(
  { host, admission }: { host: Host; admission: Pick<Admission, 'members'> },
  signal: AbortSignal,
): Promise<ReachableMembers> {
  const { members } = admission
  const answers = await Promise.allSettled(members.map(({ peer }) => host.services.ping.ping(peer, { signal })))
  const answering = members.filter((_, at) => answers[at]?.status === 'fulfilled')
  const steady = answering.filter(({ certificate }) => certificate.role !== 'controller')
  return { all: answering.length, steady: steady.length }
}
