/** The news of the mesh, taken in before something is shown or decided. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from './session.ts'

export const nobodyInReach = 'No peer is in reach: this is the last known state.'

/** Waits for the news, at most so long; says `without` where no peer has any. */
export async function takeNews(
  session: Session,
  say: (text: string) => void,
  seconds: number,
  without = nobodyInReach,
  signal?: AbortSignal,
): Promise<void> {
  await gather(session, seconds * 1000, signal)
  signal?.throwIfAborted()
  if (session.peer.neighbours.members.length === 0) say(without)
}

/** Waits until the first members have told what they know, or for `limitMs`. */
async function gather(session: Session, limitMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { peer } = session
  const deadline = Date.now() + limitMs
  // A controller that was running has them already.
  let last = peer.neighbours.syncedAt ?? 0
  const note = () => {
    last = Date.now()
  }
  peer.neighbours.on('synced', note)
  peer.directory.on('report', note)
  try {
    // Half a second of quiet after the first sync: what one knows, all know.
    while (Date.now() < deadline && signal?.aborted !== true && (last === 0 || Date.now() - last < 500)) await sleep(50)
  } finally {
    peer.neighbours.off('synced', note)
    peer.directory.off('report', note)
  }
}
