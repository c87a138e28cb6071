/** Joining with a token: a device issues its own certificate, within the token's limits. */

import { signEnvelope } from '../signing/dsse.ts'
import { type Signer, signerOf } from '../signing/keys.ts'
import { peerIdOf } from '../signing/peer-id.ts'
import { type Certificate, certificateKind } from './certificate.ts'
import type { JoinToken } from './join-token.ts'

/** The part of its certificate that the joining device chooses, within the grant. */
export type JoinRequest = Omit<Certificate, 'v' | 'fleet' | 'peer' | 'grant'>

/**
 * The envelope of a device's certificate, signed by the token's key (permission to join) and by the device's own key
 * (proof of its peer ID). `verifyMember` requires both.
 */
export function joinWithToken(token: JoinToken, peer: Signer, request: JoinRequest): Uint8Array {
  const certificate: Certificate = {
    ...request,
    v: 1,
    fleet: token.fleet,
    peer: peerIdOf(peer.publicKey),
    grant: token.grant,
  }
  return signEnvelope(certificateKind, certificate, signerOf(token.seed), peer)
}
