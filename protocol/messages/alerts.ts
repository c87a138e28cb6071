/** What a controller tells a device about alerts: to be silent about some of them, or to speak again. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { nameSchema } from '../encoding/fields.ts'
import { limits } from '../limits.ts'

const seconds = z
  .int()
  .min(0)
  .max(2 ** 32)

const alertsRequestSchema = z.strictObject({
  silence: z.strictObject({
    /** What it is about: a rule, a device, or one of both; everything where neither is named. */
    rule: nameSchema.optional(),
    device: nameSchema.optional(),
    /** One alert alone, by its beginning: an acknowledgement. */
    since: seconds.optional(),
    /** Seconds from now; 0 ends the silence. */
    for: z
      .int()
      .min(0)
      .max(365 * 86_400),
  }),
})
export type AlertsRequest = z.infer<typeof alertsRequestSchema>
export type SilenceRequest = AlertsRequest['silence']
export const alertsRequestCodec = codec<AlertsRequest>('alerts request', limits.request, alertsRequestSchema)
