/** Requests for the witnessed log of a device: entries, and proofs that it has only grown. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema, formatVersion } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'

const sizeSchema = z.int().min(0).max(limits.auditEntries)
const hashSchema = bytesSchema(hashLength)
/** The depth of the largest tree, and one hash more on the way down. */
const hashesSchema = z.array(hashSchema).max(64)

const auditRequestSchema = z.union([
  /** Entries from the first to before the last; fewer come where they are many or long. */
  z.strictObject({ entries: z.strictObject({ from: sizeSchema, to: sizeSchema }) }),
  /** For each older size: the proof that the log of that size is the beginning of the one of the size `to`. */
  z.strictObject({
    proofs: z.strictObject({ of: z.array(sizeSchema).min(1).max(limits.auditProofs), to: sizeSchema }),
  }),
])
export type AuditRequest = z.infer<typeof auditRequestSchema>
export const auditRequestCodec = codec<AuditRequest>('audit request', limits.request, auditRequestSchema)

const auditEntriesSchema = z.strictObject({
  v: formatVersion,
  /** The number of entries of the log now. */
  size: sizeSchema,
  /** The first entry of these: later than was asked for where older ones are gone. */
  from: sizeSchema,
  /** The roots of the complete subtrees before it, the largest first. */
  before: hashesSchema,
  entries: z.array(bytesSchema(1, limits.auditEntry)).max(limits.auditPage),
})
export type AuditEntries = z.infer<typeof auditEntriesSchema>
export const auditEntriesCodec = codec<AuditEntries>('audit entries', limits.logBytes, auditEntriesSchema)

const auditProofsSchema = z.strictObject({
  v: formatVersion,
  size: sizeSchema,
  /** Null where the size is too old, or the log is not that long. */
  proofs: z.array(hashesSchema.nullable()).max(limits.auditProofs),
})
export type AuditProofs = z.infer<typeof auditProofsSchema>
export const auditProofsCodec = codec<AuditProofs>('audit proofs', limits.logBytes, auditProofsSchema)
