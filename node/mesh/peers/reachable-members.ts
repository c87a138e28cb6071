/** Counts the members that respond to a ping: connections may have died in a switch without being closed. */

import type { Host } from '../transport/host.ts'
import type { Admission } from './admission.ts'

export interface ReachableMembers {
  /** All that responded. */
  readonly all: number
  /** Those that aren't controllers, which are laptops that come and go. */
  readonly steady: number
}

/**
 * Pings all connected members at once. Resolves when each has responded or failed, at the latest when the signal
 * aborts.
 */
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
