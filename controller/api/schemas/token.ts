/** A new join token: what it admits, and the one answer that holds it. */

import { z } from 'zod'
import { nameSchema } from '../../../protocol/encoding/fields.ts'

const days = z.int().min(1).max(3650)

export const tokenOptions = z.strictObject({
  /** Names that may join with it, such as `kiosk-*`. */
  names: z.string().min(1).max(63),
  site: nameSchema.optional(),
  /** For peers that follow no release. */
  relay: z.boolean().default(false),
  /** For viewers: their controllers see everything and sign nothing. */
  viewer: z.boolean().default(false),
  days: days.default(30),
  provisionalDays: days.default(180),
  certificateDays: days.default(730),
  uses: z.int().min(1).max(10_000).optional(),
  overLimit: z.enum(['flag', 'revoke']).default('flag'),
  bootstrap: z.array(z.string().max(200)).max(16).default([]),
  trustClock: z.boolean().default(false),
})

export const tokenMadeSchema = z.object({
  token: z.string(),
  id: z.string(),
  names: z.string(),
  site: z.string().nullable(),
  expires: z.string(),
  provisionalDays: z.int(),
  certificateDays: z.int(),
  uses: z.int().nullable(),
})
