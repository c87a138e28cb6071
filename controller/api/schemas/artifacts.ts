/** Adding and removing artifacts: files of the project for devices. */

import { z } from 'zod'
import { limits } from '../../../protocol/limits.ts'
import { force } from './edits.ts'

/** Below artifacts/. */
const path = z.string().min(1).max(500)
const commit = z.string().min(1).max(limits.message).optional()

export const addArtifactOptions = z.strictObject({
  path,
  base64: z.base64(),
  /** SHA-256 of the file that it replaces; without it there must be none. */
  replaces: z.string().max(64).optional(),
  commit,
})
export const removeArtifactOptions = z.strictObject({ path, force, commit })
