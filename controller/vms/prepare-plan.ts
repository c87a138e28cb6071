/** What the program that fills a machine's disk is told, in a file, and what it answers. */

import { z } from 'zod'
import { nameSchema } from '../../protocol/encoding/fields.ts'
import { peerIdSchema } from '../../protocol/signing/peer-id.ts'
import { errorSchema } from '../api/schemas/error.ts'

const path = z.string().startsWith('/').max(4096)

export const preparePlanSchema = z.strictObject({
  /** Where the disk is mounted. */
  directory: path,
  name: nameSchema,
  /** The directory to boot from; null for this computer's own programs. */
  base: path.nullable(),
  /** The file of this program that Node runs. */
  main: path,
  /** Of a new machine: its site, and the peers that it dials first. Null where only the program is another one. */
  join: z.strictObject({ site: nameSchema.nullable(), bootstrap: z.array(z.string().max(200)).max(64) }).nullable(),
})
export type PreparePlan = z.infer<typeof preparePlanSchema>

export const preparedSchema = z.union([z.strictObject({ peer: peerIdSchema.nullable() }), errorSchema])
