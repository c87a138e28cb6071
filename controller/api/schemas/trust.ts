/** The answers of `thymesh root show`, `thymesh site list` and `thymesh log`: who may sign, and who has signed what. */

import { z } from 'zod'
import { roleNames } from '../../../protocol/trust/fleet.ts'

const roleDetailsSchema = z.object({
  threshold: z.int(),
  /** By ID; `operator` is null for a key that the root gives no name. */
  keys: z.array(z.object({ id: z.string(), operator: z.string().nullable() })),
})

export const rootSchema = z.object({
  version: z.int(),
  fleet: z.string(),
  name: z.string(),
  created: z.string().nullable(),
  expires: z.string(),
  roles: z.record(z.enum(roleNames), roleDetailsSchema),
  nixPublicKeys: z.array(z.string()),
})
export type RootDetails = z.infer<typeof rootSchema>

const siteRowSchema = z.object({
  site: z.string(),
  /** Signatures that a release of the site needs. */
  threshold: z.int(),
  /** IDs of the keys that may give them. */
  keys: z.array(z.string()),
  /** Nix keys that count at this site only. */
  nixPublicKeys: z.array(z.string()),
  /** The newest release of its own, what it says, and the devices that it names. */
  release: z.int().nullable(),
  message: z.string().nullable(),
  devices: z.array(z.string()),
})
export type SiteRow = z.infer<typeof siteRowSchema>

export const sitesSchema = z.object({ sites: z.array(siteRowSchema) })

const logEventSchema = z.object({
  /** When, by the clock of who signed; else when this controller saw it. */
  at: z.string(),
  atIs: z.enum(['signed', 'seen']),
  what: z.enum(['root', 'release', 'members', 'proposed', 'approved', 'rejected']),
  /** Of the root, release or members metadata; the first of those of a proposal. */
  version: z.int(),
  /** The site whose own release it is; null for all else. */
  site: z.string().nullable(),
  /**
   * Who signed, by good signatures only. `operator` is null where the root names nobody; then `claims` is what the signer
   * calls itself, which may be another's name.
   */
  signers: z.array(z.object({ operator: z.string().nullable(), key: z.string(), claims: z.string().optional() })),
  message: z.string(),
  /** The proposal's ID, where it is about one. */
  proposal: z.string().nullable(),
})
export type LogEvent = z.infer<typeof logEventSchema>

export const logSchema = z.object({
  events: z.array(logEventSchema),
  /** What `after` continues with; missing at the end of the list. */
  next: z.string().optional(),
})
export type AuditLog = z.infer<typeof logSchema>
