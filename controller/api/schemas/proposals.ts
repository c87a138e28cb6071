/** The answers of `thymesh proposals` and of what an operator sees before signing one. */

import { z } from 'zod'

const deployedSchema = z.object({ config: z.string(), topLevel: z.string() })

/** What a release changes on one device; null for what isn't there. */
const deviceChangeSchema = z.object({
  device: z.string(),
  before: deployedSchema.nullable(),
  after: deployedSchema.nullable(),
})
export type DeviceChange = z.infer<typeof deviceChangeSchema>

/** One operator's statement on a proposal. */
const voiceSchema = z.object({
  operator: z.string(),
  verdict: z.enum(['proposed', 'approved', 'rejected']),
  at: z.string(),
  message: z.string(),
})
export type Voice = z.infer<typeof voiceSchema>

const proposalRowSchema = z.object({
  id: z.string(),
  /** Versions of the parts that it has. */
  root: z.int().nullable(),
  release: z.int().nullable(),
  members: z.int().nullable(),
  /** The site whose own release it is. */
  site: z.string().nullable(),
  /** The operator who made it. */
  operator: z.string(),
  created: z.string(),
  message: z.string(),
  /** Whether it has all signatures. */
  complete: z.boolean(),
  withdrawn: z.boolean(),
  /** The signatures of each role on each part. */
  signatures: z.array(
    z.object({
      part: z.enum(['root', 'targets', 'members', 'site']),
      by: z.enum(['current', 'next']),
      signed: z.array(z.string()),
      threshold: z.int(),
    }),
  ),
  statements: z.array(voiceSchema),
  /** Whether all shards of its release are here: without them its changes are not known. */
  isWhole: z.boolean(),
  /** What isn't here of its release, or is wrong with it: nobody signs it before that is shown. Null if it is whole. */
  lacks: z
    .object({
      /** Shards that are not here, of so many; null before their manifest is here. */
      missing: z.int().nullable(),
      of: z.int().nullable(),
      /** What is wrong with those that are here. */
      problem: z.object({ code: z.string(), message: z.string() }).nullable(),
    })
    .nullable(),
  changes: z.array(deviceChangeSchema),
})
export type ProposalRow = z.infer<typeof proposalRowSchema>

export const proposalsSchema = z.object({ proposals: z.array(proposalRowSchema) })

/** One proposal as an operator sees it before signing. */
export const proposalSchema = z.object({
  id: z.string(),
  /** Its parts in a few words, such as `root 4, release 12`. */
  title: z.string(),
  complete: z.boolean(),
  withdrawn: z.boolean(),
  /** Every difference that a signature covers. */
  text: z.string(),
})
export type ProposalShown = z.infer<typeof proposalSchema>
