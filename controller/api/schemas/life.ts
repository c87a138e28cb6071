/** Orders about the life of a device: another name, another site, other hardware, the end. */

import { z } from 'zod'
import { nameSchema } from '../../../protocol/encoding/fields.ts'
import { limits } from '../../../protocol/limits.ts'
import { submittedSchema } from './orders.ts'

/** Those of all of them. */
const about = {
  device: nameSchema,
  /** Seconds to wait for peers. */
  wait: z.number().min(0).max(86_400).default(5),
}
const signing = {
  message: z.string().max(limits.message).optional(),
  /** Sign whatever this machine's clock says. */
  trustClock: z.boolean().default(false),
}
/** Commit the edited files with this message. */
const commit = z.string().min(1).max(2000).optional()
const peers = z.array(z.object({ name: z.string(), peer: z.string() }))
const edited = {
  /** Files of the project. */
  written: z.array(z.string()),
  commit: z.string().nullable(),
  /** Why Git refused to commit what was written. */
  commitError: z.string().nullable(),
}

export const reassignOptions = z.strictObject({
  ...about,
  /** Its new name; the present one, if missing. */
  name: nameSchema.optional(),
  /** Its new site, or none; the present one, if missing. */
  site: nameSchema.nullable().optional(),
  ...signing,
  commit,
})

export const renameSiteOptions = z.strictObject({
  site: nameSchema,
  /** Its new name. */
  to: nameSchema,
  wait: about.wait,
  ...signing,
  commit,
})
export const siteRenamedSchema = z.object({
  site: z.string(),
  was: z.string(),
  /** Those whose certificates name it anew. */
  members: z.array(z.string()),
  ...edited,
  /** The release that says so; nothing where the present one doesn't name the site. */
  release: submittedSchema.nullable(),
  told: z.array(z.string()),
})
export const reassignedSchema = z.object({
  device: z.string(),
  site: z.string().nullable(),
  was: z.object({ device: z.string(), site: z.string().nullable() }),
  /** Nothing where it has not joined. */
  peer: z.string().nullable(),
  ...edited,
  /** The release that says so; nothing where the present one doesn't name it. */
  release: submittedSchema.nullable(),
  /** Names of peers that have all of it and relay it. */
  told: z.array(z.string()),
})

export const replaceOptions = z.strictObject({
  ...about,
  /** Also when the present hardware is at work. */
  force: z.boolean().default(false),
  reason: z.string().max(limits.reason).optional(),
})

export const replacedSchema = z.object({
  device: z.string(),
  site: z.string().nullable(),
  /** The members who had the name. */
  revoked: peers,
  told: z.array(z.string()),
  /** Secrets of its config: they follow when the new hardware has joined. */
  secrets: z.array(z.string()),
})

export const followSecretsOptions = z.strictObject({ ...signing, wait: about.wait })

export const secretsFollowedSchema = z.object({
  /** Configs whose secrets are encrypted to other devices than before. */
  configs: z.array(z.string()),
  /** Nothing where all of them are as they should be. */
  release: submittedSchema.nullable(),
})

export const retireOptions = z.strictObject({
  ...about,
  reason: z.string().max(limits.reason).optional(),
  ...signing,
  commit,
})

export const retiredSchema = z.object({
  device: z.string(),
  revoked: peers,
  ...edited,
  release: submittedSchema.nullable(),
  told: z.array(z.string()),
  /** What it could read: to be changed, unless it was wiped. */
  secrets: z.array(z.string()),
})
