/** Revocations: a target of the members role, so that they can't be rolled back. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { fleetIdSchema, formatVersion, nameSchema, timeSchema, tokenIdSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'
import { peerIdSchema } from '../signing/peer-id.ts'

/** Who was revoked, for people: certificates of revoked members are kept nowhere. */
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
  /** Join tokens: a certificate that only such a token has signed makes nobody a member any more. */
  tokens: z.array(tokenIdSchema).max(limits.revokedTokens).optional(),
  /** The newest ones. */
  notes: z.array(noteSchema).max(limits.revocationNotes).optional(),
})
export type Revocations = z.infer<typeof revocationsSchema>

export const revocationsCodec = codec<Revocations>('revocation list', limits.revocations, revocationsSchema)

/** The list with one more entry; the same list when it has that already. The oldest notes go when there are too many. */
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
