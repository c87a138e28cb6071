/** Requests for a device's logs: the journal, the output of an activation, the history of its releases. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema, nameSchema, timeSchema, unitNameSchema, versionSchema } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { storePathSchema } from '../nix/store-path.ts'

const logRequestSchema = z.union([
  z.strictObject({
    journal: z.strictObject({
      unit: unitNameSchema.optional(),
      /** The number of lines from the end. */
      lines: z.int().min(1).max(limits.logLines),
      since: timeSchema.optional(),
    }),
  }),
  /** The full log of a failed activation, by the hash that a report names. */
  z.strictObject({ activation: bytesSchema(hashLength) }),
  z.strictObject({ history: z.literal(true) }),
])
export type LogRequest = z.infer<typeof logRequestSchema>
export const logRequestCodec = codec<LogRequest>('log request', limits.request, logRequestSchema)

/** One entry of a device's history: the outcome of one release. */
export const historyEntrySchema = z.strictObject({
  release: versionSchema,
  /** The site, if the release is a site's own. */
  site: nameSchema.optional(),
  outcome: z.enum(['running', 'rolled-back', 'failed']),
  at: timeSchema.optional(),
  config: z.string().max(63).optional(),
  topLevel: storePathSchema.optional(),
  code: z.string().max(50).optional(),
  /** The first line of the error. */
  message: z.string().max(200).optional(),
})
export type HistoryEntry = z.infer<typeof historyEntrySchema>

/** Newest first. */
export const historySchema = z.array(historyEntrySchema).max(limits.historyEntries)
export const historyCodec = codec<HistoryEntry[]>('history', limits.logBytes, historySchema)
