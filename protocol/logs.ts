/** Asking a device for its logs: the journal, the output of an activation, the history of its releases. */

import { z } from 'zod'
import { codec } from './cbor.ts'
import { bytesSchema, nameSchema, timeSchema, versionSchema } from './fields.ts'
import { hashLength } from './hash.ts'
import { limits } from './limits.ts'
import { storePathSchema } from './nix/store-path.ts'

/**
 * Names of units as systemd.unit(5) has them, with one of its types. No first hyphen, and none of the characters that
 * mean something to a shell or make a pattern: a name is never anything but one unit.
 */
export const unitNameSchema = z
  .string()
  .max(200)
  .regex(
    /^[A-Za-z0-9_:.\\@][A-Za-z0-9_:.\\@-]*\.(?:service|socket|target|timer|path|mount|automount|swap|slice|scope)$/,
    {
      error: 'expected the name of a unit such as web.service',
    },
  )

const logRequestSchema = z.union([
  z.strictObject({
    journal: z.strictObject({
      unit: unitNameSchema.optional(),
      /** The last ones. */
      lines: z.int().min(1).max(limits.logLines),
      since: timeSchema.optional(),
    }),
  }),
  /** What a report names: the whole log of an activation that failed. */
  z.strictObject({ activation: bytesSchema(hashLength) }),
  z.strictObject({ history: z.literal(true) }),
])
export type LogRequest = z.infer<typeof logRequestSchema>
export const logRequestCodec = codec<LogRequest>('log request', limits.request, logRequestSchema)

/** One line of a device's history: how it went with a release. */
export const historyEntrySchema = z.strictObject({
  release: versionSchema,
  /** The site whose own release it is. */
  site: nameSchema.optional(),
  outcome: z.enum(['running', 'rolled-back', 'failed']),
  at: timeSchema.optional(),
  config: z.string().max(63).optional(),
  topLevel: storePathSchema.optional(),
  code: z.string().max(50).optional(),
  /** The first line of what was wrong. */
  message: z.string().max(200).optional(),
})
export type HistoryEntry = z.infer<typeof historyEntrySchema>

/** The newest first. */
export const historySchema = z.array(historyEntrySchema).max(limits.historyEntries)
export const historyCodec = codec<HistoryEntry[]>('history', limits.logBytes, historySchema)
