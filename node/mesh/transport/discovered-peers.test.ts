/** Tests of the bound on discovered peers: the oldest leave libp2p's store, and no connected one does. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { boundDiscoveredPeers } from './discovered-peers.ts'

it('keeps the newest peers, and those with a connection', () => {
  const events = new EventTarget()
  const deleted: string[] = []
  const host = {
    addEventListener: events.addEventListener.bind(events),
    getConnections: (peer: PeerId) => (String(peer) === 'b' ? ['a connection'] : []),
    peerStore: { delete: async (peer: PeerId) => void deleted.push(String(peer)) },
  }
  boundDiscoveredPeers(host as unknown as Libp2p, 2)
  for (const id of ['a', 'b', 'a', 'c', 'd', 'e']) {
    events.dispatchEvent(new CustomEvent('peer:discovery', { detail: { id } }))
  }
  assert.deepEqual(deleted, ['a', 'c'])
})
