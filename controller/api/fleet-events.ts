/** What happens in the fleet, as events: each report is the row of its device. */

import type { AcceptedState } from '../../node/peer/controller-peer.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import { memberStatus } from '../queries/device-status.ts'
import type { Session } from '../session/session.ts'
import type { EventLog } from './event-log.ts'

/** Appends until what it gives is called. */
export function followFleet({ peer }: Pick<Session, 'peer'>, events: EventLog): () => void {
  const { directory, state, proposals } = peer
  const onCertificate = (certificate: Certificate) => {
    if (certificate.role !== 'device') return
    const named = directory.certificates().filter(({ name, role }) => role === 'device' && name === certificate.name)
    events.append('device', memberStatus(peer, certificate, named.length > 1))
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
  directory.on('certificate', onCertificate)
  directory.on('report', onReport)
  state.on('changed', onState)
  proposals.on('changed', onProposal)
  proposals.on('closed', onClosed)
  return () => {
    directory.off('certificate', onCertificate)
    directory.off('report', onReport)
    state.off('changed', onState)
    proposals.off('changed', onProposal)
    proposals.off('closed', onClosed)
  }
}
