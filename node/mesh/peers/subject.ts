/** Whom a peer's share counts for: itself, the join token that certified it, or the address of a stranger. */

import type { Connection } from '@libp2p/interface'
import { type Certificate, isViewer, type Member } from '../../../protocol/members/certificate.ts'
import { tokenIdOfGrant } from '../../../protocol/members/join-token.ts'
import type { Subject } from '../../concurrency/fair-places.ts'

/** Parsed grants: a subject is needed for each request. */
const known = new WeakMap<Certificate, Subject>()

/**
 * Provisional members of one join token are one group: its holder can make any number of them. An operator's
 * controller comes first.
 */
export function subjectOf({ certificate }: { readonly certificate: Certificate }): Subject {
  const { grant } = certificate
  const subject = known.get(certificate) ?? subjectOfMember({ ...certificate, grant: grant && tokenIdOfGrant(grant) })
  known.set(certificate, subject)
  return subject
}

/** The same of what a peer keeps of a certificate, where `grant` is the ID of the join token. */
export function subjectOfMember(member: Member & { readonly grant?: string | undefined }): Subject {
  const { peer, grant, role } = member
  return {
    peer,
    group: grant === undefined ? peer : `token ${grant}`,
    ...(role === 'controller' && !isViewer(member) && { first: true }),
  }
}

/** Strangers of one address are one group: peer IDs cost nothing. */
export function strangerAt({ remotePeer, remoteAddr }: Pick<Connection, 'remotePeer' | 'remoteAddr'>): Subject {
  const [host] = remoteAddr.getComponents()
  return { peer: remotePeer.toString(), group: `address ${host?.value ?? ''}` }
}
