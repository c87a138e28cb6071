/** Thymesh's own fields in a fleet's root metadata, under the key `thymesh`. */

import { z } from 'zod'
import { keyIdSchema, nameSchema, timeSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

const publicKeySchema = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected an Ed25519 public key (64 hex digits)' })

export const rootFieldsSchema = z.strictObject({
  name: nameSchema,
  /** The Nix keys whose signatures devices' stores accept. They are in the root, so that no release can change them. */
  nixPublicKeys: z.array(z.string().max(200)).min(1).max(limits.signatures),
  /**
   * The `members` role. The targets must delegate to exactly these keys, so that a stolen targets key can't admit
   * anyone.
   */
  members: z
    .strictObject({
      keys: z.array(publicKeySchema).min(1).max(limits.signatures),
      threshold: z.int().min(1).max(limits.signatures),
    })
    .optional(),
  /** Nix keys of sites' own operators. Only devices whose certificates name the site accept their signatures. */
  siteNixKeys: z
    .record(nameSchema, z.array(z.string().max(200)).min(1).max(limits.signatures))
    .refine(sites => Object.keys(sites).length <= limits.sites, { error: 'expected fewer sites' })
    .optional(),
  /** The owners of the keys, by operator name; for display. */
  operators: z
    .record(nameSchema, z.array(keyIdSchema).max(16))
    .refine(names => Object.keys(names).length <= limits.signatures, { error: 'expected fewer operators' })
    .optional(),
  /** When it was signed, by the signer's clock; for display. */
  created: timeSchema.optional(),
})
/** Thymesh's own fields in the root. */
export type RootFields = z.infer<typeof rootFieldsSchema>
