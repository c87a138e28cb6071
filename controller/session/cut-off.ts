/** Whether this controller is a member still: a new root or a revocation may have shut it out while it runs. */

import { MembershipError, verifyMember } from '../../protocol/members/membership.ts'
import type { Session } from './session.ts'

/** By what was signed: a clock that is wrong shuts nobody out. */
const reasons = ['not-signed', 'revoked', 'token-revoked'] as const
export type CutOff = (typeof reasons)[number]

/**
 * Why the other peers do not talk to it any more; nothing where they do, or where nothing is known yet. Who is shut out may never
 * get the metadata that says so. Then it is the word of members who do not let it in, as long as no other does.
 */
export function cutOffBy({ peer }: Pick<Session, 'peer'>): CutOff | undefined {
  const claimed =
    peer.neighbours.members.length > 0 ? undefined : reasons.find(each => peer.neighbours.refusals.has(each))
  return provenBy(peer) ?? claimed
}

function provenBy(peer: Session['peer']): CutOff | undefined {
  const authority = peer.state.accepted?.authority
  if (authority === undefined) return undefined
  try {
    verifyMember(peer.envelope, peer.peerId, authority, new Date(0))
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof MembershipError)) throw thrown
    return reasons.find(reason => reason === thrown.code)
  }
}
