/** Loads the budget of the site's uplink for a peer. */

import { peerIdFromString } from '@libp2p/peer-id'
import { type Certificate, readCertificate } from '../../protocol/members/certificate.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Host } from '../mesh/transport/host.ts'
import { connectionTo } from '../mesh/transport/open-stream.ts'
import { SiteUplinkBudget } from '../rollout/site-uplink.ts'
import type { FleetState } from '../state/fleet-state.ts'
import type { PeerState } from '../state/peer-state.ts'
import { isNear } from '../swarm/session/locality.ts'

/** The budget of the uplink, with what was spent of it before. `own`: our newest certificate, once the peer is composed. */
export function loadUplink(
  init: { readonly certificate: Uint8Array; readonly state: Pick<PeerState, 'own'> },
  { host, state, directory }: { host: Host; state: FleetState; directory: Directory },
  own: () => Certificate | undefined,
): Promise<SiteUplinkBudget> {
  return SiteUplinkBudget.load({
    own: init.state.own,
    certificate: () => own() ?? readCertificate(init.certificate),
    accepted: () => state.accepted,
    members: () => directory.members(),
    report: peer => directory.report(peer)?.document,
    isNear: peer => isNear(connectionTo(host, peerIdFromString(peer))),
  })
}
