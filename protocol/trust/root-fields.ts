/** What a fleet's root metadata holds beside TUF's own fields, under the key `thymesh`. */

import { z } from 'zod'
import { keyIdSchema, nameSchema, timeSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

const publicKeySchema = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected an Ed25519 public key (64 hex digits)' })

export const rootFieldsSchema = z.strictObject({
  name: nameSchema,
  /** The Nix keys whose signatures devices' stores accept: here, so that no release changes them. */
  nixPublicKeys: z.array(z.string().max(200)).min(1).max(limits.signatures),
  /** The `members` role; the targets must delegate to just these keys, so that no stolen targets key admits anyone. */
  members: z
    .strictObject({
      keys: z.array(publicKeySchema).min(1).max(limits.signatures),
      threshold: z.int().min(1).max(limits.signatures),
    })
    .optional(),
  /** Nix keys of sites' own operators: only devices whose certificates name the site take what these sign. */
  siteNixKeys: z
    .record(nameSchema, z.array(z.string().max(200)).min(1).max(limits.signatures))
    .refine(sites => Object.keys(sites).length <= limits.sites, { error: 'expected fewer sites' })
    .optional(),
  /** Whose keys these are, by the operators' names; for people. */
  operators: z
    .record(nameSchema, z.array(keyIdSchema).max(16))
    .refine(names => Object.keys(names).length <= limits.signatures, { error: 'expected fewer operators' })
    .optional(),
  /** When it was signed, by the clock of who made it; for people. */
  created: timeSchema.optional(),
})
/** What Thymesh keeps in the root beside TUF's own fields. */
export type RootFields = z.infer<typeof rootFieldsSchema>
