/** A peer's accepted state, in numbers that tests compare. */

import type { MeshPeer } from '../../node/peer/mesh-peer.ts'

export function timestampVersionOf({ state }: Pick<MeshPeer, 'state'>): number | undefined {
  return state.accepted?.trusted.timestamp?.signed.version
}
