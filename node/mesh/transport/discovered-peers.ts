/** Peers that discovery found: libp2p stores them for weeks, and a member can invent thousands in one answer of the DHT. */

import type { Libp2p, PeerId } from '@libp2p/interface'
import { LRUCache } from 'lru-cache'

/** Keeps the `most` newest of them in libp2p's peer store, and those with a connection. */
export function boundDiscoveredPeers(host: Libp2p, most: number): void {
  const forget = (peer: PeerId) => {
    if (host.getConnections(peer).length === 0) void host.peerStore.delete(peer).catch(() => {})
  }
  const newest = new LRUCache<string, PeerId>({
    max: most,
    dispose: (peer, _, reason) => reason === 'evict' && forget(peer),
  })
  host.addEventListener('peer:discovery', ({ detail: { id } }) => {
    newest.set(id.toString(), id)
  })
}
