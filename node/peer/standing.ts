/** What a peer tells of a device: its facts, gathered from the parts of the peer. */

import type { DeviceFacts } from '../standing/facts.ts'
import { gatherFacts } from '../standing/gather.ts'
import { releasedClosures } from '../state/released-closures.ts'
import type { MeshPeer } from './mesh-peer.ts'
import { wayTo } from './network.ts'

type Parts = Pick<MeshPeer, 'own' | 'state' | 'directory' | 'host' | 'admission' | 'closures' | 'equivocation'>

/** `now`: undefined without a live clock. Throws a StandingError for a name that nobody has. */
export async function factsOf(peer: Parts, device: string, now: Date | undefined): Promise<DeviceFacts> {
  const { own, state, directory, admission, closures, equivocation } = peer
  const standing = {
    own: own.certificate,
    accepted: state.accepted,
    members: directory.members(),
    report: (id: string) => directory.report(id)?.document,
    isMember: (id: string) => directory.valid(id) !== undefined,
    wayTo: (id: string) => wayTo(peer, id),
    connected: admission.members.map(member => member.peer.toString()),
    closures,
    descriptorOf: async (topLevel: string) => {
      return (await releasedClosures(state, each => each === topLevel)).get(topLevel)
    },
    hasEquivocation: (site: string | undefined) => equivocation.held(site),
    now,
  }
  return await gatherFacts(standing, device)
}
