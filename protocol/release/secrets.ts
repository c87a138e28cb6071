/** Secrets on their way to devices: ciphertext documents that a release names, and how a device lays them down. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { cidSchema } from '../encoding/cid.ts'
import { bytesSchema, formatVersion } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'

/** A secret's file below /run/thymesh/secrets: one part of a path. */
export const secretFileNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
  error: 'expected a file name of letters, digits, dots, _ and -, at most 100 characters',
})

/** A user or a group, as shadow-utils takes it. */
const accountSchema = z.string().regex(/^[a-z_][a-z0-9_-]{0,30}$/, { error: 'expected the name of an account' })

/** Who may do what, in octal. */
const modeSchema = z.string().regex(/^0[0-7]{3}$/, { error: 'expected a mode such as 0400' })

/** How a secret lies on a device; `root`, `root` and 0400 if it isn't said. */
export const placementFields = {
  owner: accountSchema.optional(),
  group: accountSchema.optional(),
  mode: modeSchema.optional(),
}

/** One secret of a released config: its ciphertext is a document, for all devices of the config. */
const releasedSecretSchema = z.strictObject({
  document: cidSchema,
  /** Bytes of the document. */
  size: z.int().min(1).max(limits.secret),
  /**
   * SHA-256 over what it was made of (ciphertext in the project, processing, recipients): encryption gives other bytes
   * each time, and nothing must be sent again that is the same.
   */
  source: bytesSchema(hashLength),
  ...placementFields,
})
export type ReleasedSecret = z.infer<typeof releasedSecretSchema>

/** By the file's name on the device. */
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
