/** The answers of `thymesh members` and `thymesh token list`: who belongs to the fleet, and what lets others in. */

import { z } from 'zod'
import { roleSchema } from '../../../protocol/encoding/fields.ts'
import { alarmSchema, claimantsSchema } from './status.ts'

const memberRowSchema = z.object({
  /** Nothing for a revoked one of which only the peer ID is known. */
  name: z.string().nullable(),
  peer: z.string(),
  role: roleSchema.nullable(),
  site: z.string().nullable(),
  /** `members`: a controller signed it. `token`: a join token did, and a controller is to countersign it. */
  issuedBy: z.enum(['members', 'token']).nullable(),
  /** The join token that let it in. */
  token: z.string().nullable(),
  issued: z.string().nullable(),
  expires: z.string().nullable(),
  state: z.enum(['member', 'provisional', 'expired', 'revoked']),
  revoked: z.object({ at: z.string(), reason: z.string().nullable() }).nullable(),
  lastSeen: z.string().nullable(),
  connected: z.boolean(),
  /** It has asked for a new certificate. */
  renewing: z.boolean(),
  /** Why no controller signs for it by itself. */
  held: z.enum(['name-taken', 'over-limit', 'bad-recipient', 'too-few-keys']).nullable(),
  /** Two devices have its key: this controller has seen it. */
  cloned: z.boolean(),
  /** Who says so, where this controller has not seen it. */
  cloneClaimedBy: claimantsSchema,
})
export type MemberRow = z.infer<typeof memberRowSchema>

export const membersSchema = z.object({
  fleet: z.string(),
  members: z.array(memberRowSchema),
  alarms: z.array(alarmSchema),
  /** What `after` continues with; missing at the end of the list. */
  next: z.string().optional(),
})
export type Members = z.infer<typeof membersSchema>

const tokenRowSchema = z.object({
  id: z.string(),
  /** Nothing of a token that another operator made and that nobody joined with. */
  names: z.string().nullable(),
  /** Whom it lets in; nothing as of the names. */
  role: z.enum(['device', 'relay', 'viewer']).nullable(),
  site: z.string().nullable(),
  issued: z.string().nullable(),
  expires: z.string().nullable(),
  uses: z.int().nullable(),
  overLimit: z.enum(['flag', 'revoke']).nullable(),
  /** Devices that came with it: countersigned by a controller, those since revoked included, and not yet. */
  countersigned: z.int(),
  provisional: z.int(),
  provisionalPeers: z.array(z.string()),
  state: z.enum(['usable', 'expired', 'revoked']),
})
export type TokenRow = z.infer<typeof tokenRowSchema>

export const tokensSchema = z.object({ tokens: z.array(tokenRowSchema) })
