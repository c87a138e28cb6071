/** Members whom a new root would cut off: their certificates are signed only by keys that it no longer names. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { type MembershipAuthority, MembershipError, verifyMember } from '../../protocol/members/membership.ts'
import type { PublicKey, Signer } from '../../protocol/signing/keys.ts'

/** Certificates of members who would be none any more with these keys of the members role. */
export function orphanedBy(
  next: Pick<MembershipAuthority, 'keys' | 'threshold'>,
  peer: Pick<ControllerPeer, 'directory' | 'state'>,
  now: Date,
): Certificate[] {
  const authority = peer.state.accepted?.authority
  if (authority === undefined) return []
  const stay = authority.keys.every(key => next.keys.some(each => equalBytes(each, key)))
  if (stay && next.threshold <= authority.threshold) return []
  const holds = (id: string, envelope: Uint8Array, by: MembershipAuthority) => {
    try {
      verifyMember(envelope, id, by, now)
      return true
    } catch (thrown) {
      if (thrown instanceof MembershipError) return false
      throw thrown
    }
  }
  return peer.directory.certificates().filter(({ peer: id }) => {
    const envelope = peer.directory.certificate(id)?.envelope
    return envelope !== undefined && holds(id, envelope, authority) && !holds(id, envelope, { ...authority, ...next })
  })
}

/** Whether one of these keys is among those that a root names. */
export function isNamed(signers: readonly Signer[], keys: readonly PublicKey[]): boolean {
  return signers.some(({ publicKey }) => keys.some(key => equalBytes(key, publicKey)))
}
