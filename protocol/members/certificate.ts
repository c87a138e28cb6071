/** Member certificates: who a peer is in the fleet. Signed by the members role, or by a join token's key. */

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
  /** The join token's grant, when its key signed this certificate instead of the members role. */
  grant: bytesSchema(1, limits.envelope / 2).optional(),
  /** The join token that let this member in, once a controller has countersigned its certificate. */
  token: tokenIdSchema.optional(),
})
export type Certificate = z.infer<typeof certificateSchema>

export const certificateKind = signedKind<Certificate>('member certificate', certificateSchema)

/**
 * Which of two certificates of one peer stands: the higher text. What the members role signed stands over what a join
 * token signed, whose dates are the joining device's own; of one kind the one that was issued later.
 */
export function certificateRank({ grant, issued }: Pick<Certificate, 'grant' | 'issued'>): string {
  return grant === undefined ? `m${issued}` : issued
}

/** Reads a certificate and checks nothing but its form: for what was verified before it was stored. */
export function readCertificate(envelope: Uint8Array): Certificate {
  return readEnvelope(certificateKind, envelope).document
}
