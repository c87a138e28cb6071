/** Verifies a member by the newest of its certificates: its own, or one that was received from others. */

import type { PeerId } from '@libp2p/interface'
import { ThymeshError } from '../../../protocol/errors.ts'
import { type Certificate, overrides } from '../../../protocol/members/certificate.ts'
import { type MembershipAuthority, verifyMember } from '../../../protocol/members/membership.ts'
import type { Clock } from '../../state/clock.ts'

export class AdmissionError extends ThymeshError<'no-trust' | 'refused' | 'busy'> {}

/** An admitted peer, while it is connected. */
export interface Member {
  readonly peer: PeerId
  readonly certificate: Certificate
  readonly envelope: Uint8Array
}

export interface VerifierComponents {
  clock: Clock
  /** The keys that membership is verified against; undefined before the first metadata is fetched. */
  authority: () => MembershipAuthority | undefined
  /** The certificate of a peer that we received from others, if it makes its holder a member now. */
  known?: (peer: string) => Omit<Member, 'peer'> | undefined
}

/**
 * Verifies the peer's certificate, or one received from others if that overrides it: Noise proves its peer ID, and a
 * peer that was away may not have its newest certificate. Throws an AdmissionError or MembershipError.
 */
export function verifyNewest(
  { authority, clock, known }: VerifierComponents,
  envelope: Uint8Array,
  peer: PeerId,
): Omit<Member, 'peer'> {
  const by = authority()
  if (by === undefined) throw new AdmissionError('no-trust', 'this peer has no metadata of its fleet yet')
  const told = known?.(peer.toString())
  try {
    const certificate = verifyMember(envelope, peer.toString(), by, clock.reference)
    const presented = { document: certificate, envelope }
    const isOlder = told !== undefined && overrides({ document: told.certificate, envelope: told.envelope }, presented)
    return isOlder ? told : { certificate, envelope }
  } catch (thrown) {
    if (told === undefined) throw thrown
    return told
  }
}
