/** Revocations: a target of the members role, so that they can't be rolled back. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { fleetIdSchema, formatVersion, nameSchema, timeSchema, tokenIdSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { peerIdSchema } from '../signing/peer-id.ts'

/** A revoked member's name for display: its certificate isn't kept anywhere. */
const noteSchema = z.strictObject({
  subject: z.union([peerIdSchema, tokenIdSchema]),
  name: nameSchema.optional(),
  at: timeSchema,
  reason: z.string().max(limits.reason).optional(),
})
export type RevocationNote = z.infer<typeof noteSchema>

const revocationsSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  peers: z.array(peerIdSchema).max(limits.members),
  /** Revoked join tokens: a certificate that only such a token has signed no longer makes its holder a member. */
  tokens: z.array(tokenIdSchema).max(limits.revokedTokens).optional(),
  /** The newest notes. */
  notes: z.array(noteSchema).max(limits.revocationNotes).optional(),
})
export type Revocations = z.infer<typeof revocationsSchema>

export const revocationsCodec = codec<Revocations>('revocation list', limits.revocations, revocationsSchema)

/**
 * Adds one entry; returns the same list if it has that entry already. If there are too many notes, the oldest are
 * dropped.
 */
export function withRevocation(list: Revocations, kind: 'peer' | 'token', note: RevocationNote): Revocations {
  const { subject } = note
  const known = kind === 'peer' ? list.peers : (list.tokens ?? [])
  if (known.includes(subject)) return list
  const subjects = [...known, subject]
  return {
    ...list,
    ...(kind === 'peer' ? { peers: subjects } : { tokens: subjects }),
    notes: [...(list.notes ?? []), note].slice(-limits.revocationNotes),
  }
}
