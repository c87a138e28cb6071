/** Which secrets a top level goes with: kept beside their ciphertexts, so that a boot without the mesh has them too. */

import { z } from 'zod'
import { limits } from '../../protocol/limits.ts'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import { placementFields, secretFileNameSchema } from '../../protocol/release/secrets.ts'

const fileSchema = z.strictObject({
  name: secretFileNameSchema,
  /** SHA-256 of the ciphertext document, in hex. */
  document: z.string().regex(/^[0-9a-f]{64}$/),
  ...placementFields,
})
export type SecretFile = z.infer<typeof fileSchema>

const manifestSchema = z.strictObject({
  topLevel: storePathSchema,
  files: z.array(fileSchema).max(limits.secretsPerConfig),
})
export type Manifest = z.infer<typeof manifestSchema>

/** `current` goes with what was activated last, `next` with what is being activated. */
export const manifestsSchema = z.strictObject({
  v: z.literal(1),
  current: manifestSchema.optional(),
  next: manifestSchema.optional(),
})
export type Manifests = z.infer<typeof manifestsSchema>

/** The one that goes with what runs; what was activated last when neither says so. */
export function manifestFor({ current, next }: Manifests, running: string | undefined): Manifest | undefined {
  if (next !== undefined && next.topLevel === running && current?.topLevel !== running) return next
  return current
}
