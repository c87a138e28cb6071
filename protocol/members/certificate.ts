/** Member certificates: a peer's identity in the fleet, signed by the members role or by a join token's key. */

import { z } from 'zod'
import {
  ageRecipientSchema,
  bytesSchema,
  fleetIdSchema,
  formatVersion,
  nameSchema,
  roleSchema,
  timeSchema,
  tokenIdSchema,
} from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { readEnvelope, signedKind } from '../signing/dsse.ts'
import { peerIdSchema } from '../signing/peer-id.ts'

const certificateSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  peer: peerIdSchema,
  name: nameSchema,
  role: roleSchema,
  site: nameSchema.optional(),
  /** The age recipient to which this member's secrets are encrypted. */
  age: ageRecipientSchema.optional(),
  issued: timeSchema,
  expires: timeSchema,
  /** The join token's grant, if the token's key signed this certificate instead of the members role. */
  grant: bytesSchema(1, limits.envelope / 2).optional(),
  /** The join token that this member joined with, once a controller has countersigned the certificate. */
  token: tokenIdSchema.optional(),
})
export type Certificate = z.infer<typeof certificateSchema>

export const certificateKind = signedKind<Certificate>('member certificate', certificateSchema)

/**
 * What decisions and lists need of a certificate, of which peers keep no more in memory. A certificate is one itself. `grant`
 * tells only whether a join token alone vouches for the member.
 */
export type Member = Pick<Certificate, 'peer' | 'name' | 'role' | 'site' | 'issued' | 'expires' | 'token'> & {
  readonly grant?: unknown
}

/**
 * Orders two certificates of one peer: the higher text wins. A certificate signed by the members role overrides one
 * signed by a join token, whose dates the device chose itself. Within one kind, the later one wins.
 */
export function certificateRank({ grant, issued }: Pick<Member, 'grant' | 'issued'>): string {
  return grant === undefined ? `m${issued}` : issued
}

/**
 * Whether it is a viewer's: a controller that a join token has let in. It sees what controllers see and signs nothing; an
 * operator's own controller has no token, since the keys of the members role are beside it.
 */
export function isViewer({ role, grant, token }: Pick<Member, 'role' | 'grant' | 'token'>): boolean {
  return role === 'controller' && (grant !== undefined || token !== undefined)
}

/** A certificate as it came. */
interface Signed {
  readonly document: Certificate
  readonly envelope: Uint8Array
}

/**
 * Whether a certificate takes the place of another one of the same peer. Two operators may sign one in the same second, such
 * as two moves of a device: the one with the larger bytes counts, on all peers.
 */
export function overrides(next: Signed, known: Signed): boolean {
  const [rank, before] = [certificateRank(next.document), certificateRank(known.document)]
  if (rank !== before || next.document.grant !== undefined) return rank > before
  return Buffer.compare(next.envelope, known.envelope) > 0
}

/** Decodes a certificate without verifying it, for certificates that were verified before they were stored. */
export function readCertificate(envelope: Uint8Array): Certificate {
  return readEnvelope(certificateKind, envelope).document
}

/** The same of one that this peer's own state has. */
export function readStoredCertificate(envelope: Uint8Array): Certificate {
  return readEnvelope(certificateKind, envelope, 'stored').document
}
