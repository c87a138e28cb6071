/** One entry of a device's witnessed log: what happened, and what about it. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { formatVersion, nameSchema, timeSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

const entrySchema = z.strictObject({
  v: formatVersion,
  /** By the device's own clock; absent where it has none that it trusts. */
  at: timeSchema.optional(),
  /** Such as `session-began`. A later version has further ones: readers show those as they are. */
  what: nameSchema,
  about: z
    .record(nameSchema, z.string().max(limits.auditText))
    .refine(about => Object.keys(about).length <= limits.auditFields, {
      error: `expected at most ${limits.auditFields} fields`,
    }),
})
export type LogEntry = z.infer<typeof entrySchema>
export const logEntryCodec = codec<LogEntry>('log entry', limits.auditEntry, entrySchema)
