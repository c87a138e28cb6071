/** What a peer knows of its own site: its devices, their reports, and the release that counts for them. */

import type { Certificate } from '../../protocol/members/certificate.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { PortState } from '../mesh/relay/mapped-port.ts'
import { followed } from '../state/releases.ts'
import type { MeshPeer } from './mesh-peer.ts'

export interface KnownSite {
  readonly own: Pick<Certificate, 'name' | 'site' | 'peer' | 'fleet' | 'role'>
  /** Devices of the same site, this one included. */
  readonly devices: readonly Pick<Certificate, 'name' | 'peer'>[]
  readonly report: (peer: string) => Report | undefined
  /** The release that counts for this site's devices; nothing before the first one came. */
  readonly release: Pick<Release, 'version' | 'message' | 'created' | 'configs' | 'devices' | 'site'> | undefined
  /** Names of the members that this device is connected to. */
  readonly connected: ReadonlySet<string>
  /** What has become of the port at the router. */
  readonly port?: PortState
  readonly now: Date
}

export function knownSite(peer: Pick<MeshPeer, 'directory' | 'admission' | 'state' | 'own' | 'relays'>): KnownSite {
  const { directory, admission, state, own, relays } = peer
  const { certificate } = own
  return {
    own: certificate,
    devices: directory.members().filter(({ role, site }) => role === 'device' && site === certificate.site),
    report: id => directory.report(id)?.document,
    release: followed(state.accepted, certificate),
    connected: new Set(admission.members.map(({ certificate: { name } }) => name)),
    port: relays.port.state,
    now: new Date(),
  }
}
