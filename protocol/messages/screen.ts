/** The hello of a stream on which a controller watches a screen of a device; after the verdict it carries RFB (RFC 6143). */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema, formatVersion, nameSchema } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'

/** The ticket is that of forwarded connections: a granted key has signed for it. */
const screenHelloSchema = z.strictObject({
  v: formatVersion,
  ticket: bytesSchema(hashLength),
  /** Which of the device's screens; the first one, if nothing is said. */
  screen: nameSchema.optional(),
  /** Whether keys and pointer are sent too. */
  control: z.boolean().optional(),
})
export type ScreenHello = z.infer<typeof screenHelloSchema>
export const screenHelloCodec = codec<ScreenHello>('screen hello', limits.accessHello, screenHelloSchema)
