/** Verifies that a certificate makes its holder a member: signatures, limits, expiry, revocation. */

import { toHex } from '../encoding/hash.ts'
import { ThymeshError } from '../errors.ts'
import { type Envelope, readEnvelope } from '../signing/dsse.ts'
import type { PublicKey } from '../signing/keys.ts'
import { publicKeyOf } from '../signing/peer-id.ts'
import { type Certificate, certificateKind } from './certificate.ts'
import { grantKind, nameMatches, tokenIdOf } from './join-token.ts'

export class MembershipError extends ThymeshError<
  'other-fleet' | 'other-peer' | 'not-signed' | 'beyond-grant' | 'expired' | 'revoked' | 'token-revoked'
> {}

/** The keys and revocations that membership is verified against, from the trusted metadata. */
export interface MembershipAuthority {
  readonly fleet: string
  /** The keys of the members role, and its threshold. */
  readonly keys: readonly PublicKey[]
  readonly threshold: number
  /** Revoked peer IDs. */
  readonly revoked: ReadonlySet<string>
  /** IDs of revoked join tokens. */
  readonly revokedTokens?: ReadonlySet<string>
}

/**
 * Verifies the certificate of `peerId` and returns it. `time` is the latest moment that has certainly passed (the
 * time floor, or a live clock). Throws a MembershipError that says why not, or a FormatError.
 */
export function verifyMember(envelope: Uint8Array, peerId: string, by: MembershipAuthority, time: Date): Certificate {
  const opened = readEnvelope(certificateKind, envelope)
  const certificate = opened.document
  if (certificate.fleet !== by.fleet) {
    throw new MembershipError(
      'other-fleet',
      `expected a member of fleet ${by.fleet.slice(0, 12)}, got one of fleet ${certificate.fleet.slice(0, 12)}`,
    )
  }
  if (certificate.peer !== peerId) {
    throw new MembershipError('other-peer', `expected the certificate of ${peerId}, got that of ${certificate.peer}`)
  }
  if (certificate.grant === undefined) requireThreshold(opened, by, `the certificate of ${certificate.name}`)
  else verifyGrant(certificate, certificate.grant, opened, by)
  requireNotExpired(certificate.expires, time, `the certificate of ${certificate.name}`)
  if (by.revoked.has(peerId)) throw new MembershipError('revoked', `${certificate.name} (${peerId}) was revoked`)
  return certificate
}

function verifyGrant(
  certificate: Certificate,
  grantEnvelope: Uint8Array,
  opened: Envelope<Certificate>,
  by: MembershipAuthority,
): void {
  const openedGrant = readEnvelope(grantKind, grantEnvelope)
  const grant = openedGrant.document
  requireThreshold(openedGrant, by, 'the join token')
  // The device chose its issue date itself, so nothing the token signed counts any more. Countersigned members stay.
  if (by.revokedTokens?.has(tokenIdOf(grant))) {
    throw new MembershipError('token-revoked', `the join token of ${certificate.name} was revoked`)
  }
  if (!opened.signedBy(grant.key)) {
    throw new MembershipError('not-signed', `the certificate of ${certificate.name} isn't signed by its join token`)
  }
  // Without the peer's own signature, a token's holder could issue certificates in other peers' names and so replace
  // a controller's certificate by a device's.
  if (!opened.signedBy(publicKeyOf(certificate.peer))) {
    throw new MembershipError('not-signed', `the certificate of ${certificate.name} isn't signed by its own peer`)
  }
  const beyond = (what: string, allowed: string, got: string) =>
    new MembershipError('beyond-grant', `the join token is for ${what} ${allowed}, got ${got}`)
  if (grant.fleet !== by.fleet) throw beyond('fleet', by.fleet.slice(0, 12), grant.fleet.slice(0, 12))
  if (!nameMatches(grant.names, certificate.name)) throw beyond('names', grant.names, certificate.name)
  if (grant.role !== certificate.role) throw beyond('the role', grant.role, certificate.role)
  if (grant.site !== undefined && grant.site !== certificate.site) {
    throw beyond('site', grant.site, certificate.site ?? 'none')
  }
  // The joining device writes its certificate, so its dates prove nothing; the grant's expiry is the bound.
  const lastExpiry = Date.parse(grant.expires) + grant.certificateDays * 86_400_000
  if (Date.parse(certificate.expires) > lastExpiry) {
    throw beyond('certificates until', new Date(lastExpiry).toISOString(), certificate.expires)
  }
}

function requireThreshold(opened: Envelope<unknown>, by: MembershipAuthority, what: string): void {
  const signed = new Set(by.keys.filter(key => opened.signedBy(key)).map(toHex))
  if (signed.size < by.threshold) {
    throw new MembershipError(
      'not-signed',
      `${what} is signed by ${signed.size} of the ${by.threshold} members keys that this fleet asks for`,
    )
  }
}

function requireNotExpired(expires: string, time: Date, what: string): void {
  if (!(Date.parse(expires) > time.getTime())) throw new MembershipError('expired', `${what} expired on ${expires}`)
}
