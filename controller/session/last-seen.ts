/** When a member was seen last: by the peer's own notes where it keeps some, else by the report's time. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'

/** What tells it; without notes, a device with a wrong clock was never seen. */
export type SeenSources = Pick<ControllerPeer, 'directory'> & Partial<Pick<ControllerPeer, 'lastSeen'>>

export function lastSeenOf({ directory, lastSeen }: SeenSources, peer: string): string | null {
  return lastSeen === undefined ? (directory.report(peer)?.document.at ?? null) : lastSeen.of(peer)
}
