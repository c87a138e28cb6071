/** What happens in the fleet, as events: each report is the row of its device. */

import type { AcceptedState } from '../../node/peer/controller-peer.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { shardsManifestOf } from '../../protocol/release/shards.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import { memberStatus } from '../queries/device-status.ts'
import type { Session } from '../session/session.ts'
import type { EventLog } from './event-log.ts'
import { peersMs } from './limits.ts'

/** Appends until what it gives is called. */
export function followFleet({ peer }: Pick<Session, 'peer'>, events: EventLog): () => void {
  const { directory, state, proposals, neighbours } = peer
  const names = new DeviceNames()
  for (const certificate of directory.certificates()) names.add(certificate)
  const onForgotten = (id: string) => names.remove(id)
  const onCertificate = (certificate: Certificate) => {
    if (certificate.role !== 'device') return
    names.add(certificate)
    events.append('device', memberStatus(peer, certificate, names.isShared(certificate.name)))
  }
  const onReport = ({ peer: id }: Report) => {
    const certificate = directory.certificate(id)?.document
    if (certificate !== undefined) onCertificate(certificate)
  }
  const onState = ({ release, sites }: AcceptedState) => {
    const versions = [...sites.values()].map(({ site = '', version }) => [site, version] as const)
    events.append('release', { release: release.version, sites: Object.fromEntries(versions) })
  }
  const onProposal = ({ id, complete }: VerifiedProposal) => events.append('proposal', { id, complete, closed: false })
  const onClosed = ({ id, complete }: VerifiedProposal) => events.append('proposal', { id, complete, closed: true })
  // What they change, and whether they can be signed.
  const onShards = () => {
    for (const each of proposals.all) if (each.release && shardsManifestOf(each.release) !== undefined) onProposal(each)
  }
  // Many come at once, when this controller comes itself.
  let telling: NodeJS.Timeout | undefined
  const tell = () => {
    telling = undefined
    events.append('peers', { peers: neighbours.members.map(({ certificate }) => certificate.name) })
  }
  const onPeers = () => {
    telling ??= setTimeout(tell, peersMs).unref()
  }
  neighbours.on('admitted', onPeers)
  neighbours.on('left', onPeers)
  directory.on('certificate', onCertificate)
  directory.on('report', onReport)
  directory.on('forgotten', onForgotten)
  state.on('changed', onState)
  state.on('shards', onShards)
  proposals.on('changed', onProposal)
  proposals.on('closed', onClosed)
  return () => {
    clearTimeout(telling)
    neighbours.off('admitted', onPeers)
    neighbours.off('left', onPeers)
    directory.off('certificate', onCertificate)
    directory.off('report', onReport)
    directory.off('forgotten', onForgotten)
    state.off('changed', onState)
    state.off('shards', onShards)
    proposals.off('changed', onProposal)
    proposals.off('closed', onClosed)
  }
}

/** Which devices have the same name: to look through all certificates at each report would be too much for a large fleet. */
class DeviceNames {
  readonly #byPeer = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  add({ name, peer, role }: Certificate): void {
    if (role !== 'device' || this.#byPeer.get(peer) === name) return
    this.remove(peer)
    this.#byPeer.set(peer, name)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  remove(peer: string): void {
    const name = this.#byPeer.get(peer)
    if (name === undefined) return
    this.#byPeer.delete(peer)
    const left = (this.#counts.get(name) ?? 0) - 1
    if (left > 0) this.#counts.set(name, left)
    else this.#counts.delete(name)
  }

  isShared(name: string): boolean {
    return (this.#counts.get(name) ?? 0) > 1
  }
}
