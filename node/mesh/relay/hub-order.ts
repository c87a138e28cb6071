/** Which hubs a peer prefers: all peers compute the same order for it, so that it is looked for where it is. */

import { sha256Hex } from '../../../protocol/encoding/hash.ts'

/** The hubs in a peer's order, without the peer itself: by rendezvous hashing, so that a fleet spreads evenly. */
export function hubsInOrder(peer: string, hubs: readonly string[]): string[] {
  return hubs
    .filter(hub => hub !== peer)
    .map(hub => ({ hub, score: sha256Hex(Buffer.from(`${peer} ${hub}`)) }))
    .sort((a, b) => (a.score < b.score ? -1 : 1))
    .map(({ hub }) => hub)
}
