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
 * Orders two certificates of one peer: the higher text wins. A certificate signed by the members role overrides one
 * signed by a join token, whose dates the device chose itself. Within one kind, the later one wins.
 */
export function certificateRank({ grant, issued }: Pick<Certificate, 'grant' | 'issued'>): string {
  return grant === undefined ? `m${issued}` : issued
}

/** Decodes a certificate without verifying it, for certificates that were verified before they were stored. */
export function readCertificate(envelope: Uint8Array): Certificate {
  return readEnvelope(certificateKind, envelope).document
}
