/** Member certificates: who a peer is in the fleet. Signed by the members role, or by a join token's key. */

import { z } from 'zod'
import { open, signedKind } from './dsse.ts'
import { bytesSchema, fleetIdSchema, formatVersion, nameSchema, roleSchema, timeSchema } from './fields.ts'
import { limits } from './limits.ts'
import { peerIdSchema } from './peer-id.ts'

const certificateSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  peer: peerIdSchema,
  name: nameSchema,
  role: roleSchema,
  site: nameSchema.optional(),
  /** The age recipient to which this member's secrets are encrypted. */
  age: z.string().max(100).startsWith('age1').optional(),
  issued: timeSchema,
  expires: timeSchema,
  /** The join token's grant, when its key signed this certificate instead of the members role. */
  grant: bytesSchema(1, limits.envelope / 2).optional(),
})
export type Certificate = z.infer<typeof certificateSchema>

export const certificateKind = signedKind<Certificate>('member certificate', certificateSchema)

/** Reads a certificate and checks nothing but its form: for what was verified before it was stored. */
export function readCertificate(envelope: Uint8Array): Certificate {
  return open(certificateKind, envelope).document
}
