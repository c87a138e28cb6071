/** Revocations: a target of the members role, so that they can't be rolled back. */

import { z } from 'zod'
import { codec } from './cbor.ts'
import { fleetIdSchema, formatVersion } from './fields.ts'
import { limits } from './limits.ts'
import { peerIdSchema } from './peer-id.ts'

const revocationsSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  peers: z.array(peerIdSchema).max(limits.members),
})
export type Revocations = z.infer<typeof revocationsSchema>

export const revocationsCodec = codec<Revocations>('revocation list', limits.revocations, revocationsSchema)
