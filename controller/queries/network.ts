/** The answers of `thymesh peers` and `thymesh netcheck`, of this machine's controller. */

import type { NetChecks, PeersView } from '../../node/mesh/relay/network-view.ts'
import type { Session } from '../session/session.ts'

export async function queryPeers({ peer }: Pick<Session, 'peer'>): Promise<PeersView> {
  return await peer.neighbours.look()
}

export async function queryNetwork({ peer }: Pick<Session, 'peer'>): Promise<NetChecks> {
  return await peer.neighbours.check()
}
