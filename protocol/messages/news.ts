/**
 * Messages of news: two neighbours tell each other whose reports are new to them, and send those that the other one lacks.
 * A round has four messages at most: who begins tells; the other one tells and asks; the first sends and asks; the other sends.
 */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

/** Bytes of a member's key in news: the beginning of its key in sync. Two of 10,000 members share them once in five million fleets. */
export const newsKeyLength = 6

const newsKeySchema = bytesSchema(newsKeyLength)

/** Whose report is new, and its counter. */
const toldSchema = z.tuple([newsKeySchema, z.int().min(1)])
export type Told = z.infer<typeof toldSchema>

/** The place of a report in the list that the other side has just told. */
const placeSchema = z
  .int()
  .min(0)
  .max(limits.newsTold - 1)

/** Bytes of a report's fingerprint: a device that looks for two of its reports with the same one has to sign billions. */
export const newsPrintLength = 8
const printSchema = bytesSchema(0, newsPrintLength).refine(({ length }) => length === 0 || length === newsPrintLength, {
  error: `expected ${newsPrintLength} bytes or none`,
})

/**
 * A report that is asked for, in ascending order of the places; then the first bytes of the SHA-256 of the report that the
 * asking side has of the same member, none if it has none or wants the whole one.
 */
const wantedSchema = z.tuple([placeSchema, printSchema])
export type Wanted = z.infer<typeof wantedSchema>

/**
 * Reports as zstd of their list, in the order in which they were asked for. Its dictionary is the list of the reports that the
 * asking side has, without those in `whole`, the places in the list of reports that don't build on it. `unpacked`: the bytes
 * of the list.
 */
const sentSchema = z.strictObject({
  packed: bytesSchema(1, limits.newsReports),
  unpacked: z.int().min(1).max(limits.newsReports),
  whole: z.array(placeSchema).min(1).max(limits.newsTold).optional(),
})
export type SentReports = z.infer<typeof sentSchema>

const newsSchema = z.strictObject({
  told: z.array(toldSchema).min(1).max(limits.newsTold).optional(),
  wants: z.array(wantedSchema).min(1).max(limits.newsTold).optional(),
  reports: sentSchema.optional(),
  /** Whose reports the other side has sent, and could not be read: it tells them once more, and they are asked for as they are. */
  again: z.array(newsKeySchema).min(1).max(limits.newsTold).optional(),
})
export type News = z.infer<typeof newsSchema>
export const newsCodec = codec<News>('news', limits.newsMessage, newsSchema)

/** The list of reports that is compressed; one is empty where the sender no longer has it. */
export const newsReportsCodec = codec<Uint8Array[]>(
  'list of reports',
  limits.newsTold * (limits.envelope + 3) + 3,
  z.array(bytesSchema(0, limits.envelope)).max(limits.newsTold),
)
