/** Whom secrets are encrypted to: the age recipients that certificates name, by the members' names. */

import type { Certificate } from '../../../protocol/members/certificate.ts'

export interface MemberRecipient {
  readonly peer: string
  readonly role: Certificate['role']
  /** `age1…`; nothing for a member whose certificate is older than its age identity. */
  readonly recipient: string | undefined
  /** A join token vouches for the name, no controller yet: whoever holds the token can have chosen it. */
  readonly provisional: boolean
}

/**
 * Members by name. Two under one name are not told apart here: who encrypts must refuse to choose. Takes
 * `peer.directory.certificates()`, in which revoked members are no longer.
 */
export function memberRecipients(certificates: Iterable<Certificate>): Map<string, MemberRecipient[]> {
  const byName = new Map<string, MemberRecipient[]>()
  for (const { name, peer, role, age, grant } of certificates) {
    const known = byName.get(name) ?? []
    byName.set(name, [...known, { peer, role, recipient: age, provisional: grant !== undefined }])
  }
  return byName
}
