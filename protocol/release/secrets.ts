/** Secrets in a release: ciphertext documents, and where devices place the plaintext. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { cidSchema } from '../encoding/cid.ts'
import { bytesSchema, formatVersion } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'

/** A secret's file name below /run/thymesh/secrets: one path component. */
export const secretFileNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
  error: 'expected a file name of letters, digits, dots, _ and -, at most 100 characters',
})

/** A user or group name, as in shadow-utils. */
const accountSchema = z.string().regex(/^[a-z_][a-z0-9_-]{0,30}$/, { error: 'expected the name of an account' })

/** Permissions in octal. */
const modeSchema = z.string().regex(/^0[0-7]{3}$/, { error: 'expected a mode such as 0400' })

/** Owner, group and mode of the file; `root`, `root` and 0400 by default. */
export const placementFields = {
  owner: accountSchema.optional(),
  group: accountSchema.optional(),
  mode: modeSchema.optional(),
}

/** One secret of a released config: its ciphertext is a document for all devices of the config. */
const releasedSecretSchema = z.strictObject({
  document: cidSchema,
  /** The document's size in bytes. */
  size: z.int().min(1).max(limits.secret),
  /**
   * SHA-256 of its inputs (ciphertext in the project, processing, recipients). Encryption yields different bytes each
   * time; this hash shows that a secret is unchanged and needn't be sent again.
   */
  source: bytesSchema(hashLength),
  ...placementFields,
})
export type ReleasedSecret = z.infer<typeof releasedSecretSchema>

/** Keyed by the file name on the device. */
export const releasedSecretsSchema = z
  .record(secretFileNameSchema, releasedSecretSchema)
  .refine(secrets => Object.keys(secrets).length <= limits.secretsPerConfig, {
    error: `expected at most ${limits.secretsPerConfig} secrets`,
  })

const secretDocumentSchema = z.strictObject({
  v: formatVersion,
  /** An age file (https://age-encryption.org/v1), binary. */
  age: bytesSchema(1, limits.secret),
})
export type SecretDocument = z.infer<typeof secretDocumentSchema>

export const secretDocumentCodec = codec<SecretDocument>('secret', limits.secret, secretDocumentSchema)
