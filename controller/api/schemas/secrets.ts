/** Writing secrets over the API: contents come in, and never go out. */

import { z } from 'zod'
import { nameSchema } from '../../../protocol/encoding/fields.ts'
import { limits } from '../../../protocol/limits.ts'
import { editedSchema, force } from './edits.ts'

/** One of the three. */
const content = {
  content: z.string().max(700_000).optional(),
  base64: z.base64().max(900_000).optional(),
  random: z.literal(true).optional(),
}
const commit = z.string().min(1).max(limits.message).optional()

export const addSecretOptions = z.strictObject({
  name: nameSchema,
  type: z.enum(['single-line', 'multi-line', 'environment', 'file']).default('single-line'),
  processing: z.enum(['none', 'yescrypt']).default('none'),
  displayName: z.string().min(1).max(200).optional(),
  description: z.string().max(2000).optional(),
  ...content,
  commit,
})
export const setSecretOptions = z.strictObject({ name: nameSchema, ...content, commit })
export const removeSecretOptions = z.strictObject({ name: nameSchema, force, commit })
export const rekeyOptions = z.strictObject({ commit })
export const allowOptions = z.strictObject({
  name: nameSchema,
  /** As `thymesh secret identity` prints it. */
  recipient: z.string().max(100),
  commit,
})
export const disallowOptions = z.strictObject({ name: nameSchema, commit })

export const secretWrittenSchema = editedSchema.omit({ files: true })
export const rekeyedSchema = secretWrittenSchema.extend({ rekeyed: z.array(z.string()) })
