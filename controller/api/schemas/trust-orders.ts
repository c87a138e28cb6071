/** Changes of the root and of sites with operators of their own: what can be asked for, shown before, and what came of it. */

import { z } from 'zod'
import { nameSchema } from '../../../protocol/encoding/fields.ts'
import { limits } from '../../../protocol/limits.ts'
import { roleNames } from '../../../protocol/trust/fleet.ts'

const name = z.string().min(1).max(200)
/** The line that `thymesh key show` prints. */
const card = z.string().min(1).max(8192)
const message = z.string().max(limits.message).optional()
const trustClock = z.boolean().default(false)

/** The metadata that a preview was made of: a change of anything else is refused. */
const baseSchema = z.strictObject({ root: z.int(), targets: z.int() })

const rootChange = {
  /** Cards of operators who are added. */
  add: z.array(card).max(100).default([]),
  /** Names of operators who are removed. */
  remove: z.array(name).max(100).default([]),
  thresholds: z.partialRecord(z.enum(roleNames), z.int().min(1).max(100)).default({}),
  dropNixKeys: z.array(z.string().max(200)).max(100).default([]),
  message,
  trustClock,
}

export const previewRootOptions = z.strictObject(rootChange)
export const changeRootOptions = z.strictObject({
  ...rootChange,
  base: baseSchema,
  /** Peer IDs of members whom the root would cut off, and who get new certificates. */
  keep: z.array(z.string().max(100)).max(limits.members).default([]),
  /** False: it is only signed, for other operators who sign it in a file. */
  publish: z.boolean().default(true),
})

const siteChange = {
  site: nameSchema,
  /** Cards of its operators, who replace its present ones; without any, the site is taken back. */
  operators: z.array(card).max(100).default([]),
  threshold: z.int().min(1).max(100).default(1),
  message,
  trustClock,
}
export const previewSiteOptions = z.strictObject(siteChange)
export const changeSiteOptions = z.strictObject({ ...siteChange, base: baseSchema })

/** As a file has it; a larger one is signed where no controller runs. */
const proposalText = z.string().startsWith('thymesh-proposal-').max(900_000)
export const previewProposalOptions = z.strictObject({ proposal: proposalText })
export const signProposalOptions = z.strictObject({
  proposal: proposalText,
  message,
  trustClock,
  /** Publish it when it has all signatures. */
  publish: z.boolean().default(true),
})

export const trustPreviewSchema = z.object({
  id: z.string(),
  /** What it changes, as an operator should read it before signing. */
  text: z.string(),
  /** Whether this operator's keys are enough. */
  complete: z.boolean(),
  /** Whether any of this operator's keys are still wanted. */
  wanted: z.boolean(),
  base: baseSchema,
  /** Members whom it cuts off. */
  ended: z.array(z.object({ name: z.string(), role: z.string(), peer: z.string() })),
  /** Whether this operator's key can keep them. */
  canKeep: z.boolean(),
})
export type TrustPreview = z.infer<typeof trustPreviewSchema>

export const trustChangedSchema = z.object({
  id: z.string(),
  root: z.int().nullable(),
  complete: z.boolean(),
  published: z.boolean(),
  heard: z.boolean(),
  /** What lacks, in words; empty where nothing does. */
  missing: z.string(),
  title: z.string(),
  /** As a file has it. */
  proposal: z.string(),
  /** Names of members who got new certificates, and of those who are cut off. */
  renewed: z.array(z.string()),
  cutOff: z.array(z.string()),
})
export type TrustChanged = z.infer<typeof trustChangedSchema>
