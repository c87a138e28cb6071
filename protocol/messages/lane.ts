/** Agrees on a bulk lane: a second connection of two members for the chunks of one closure, opened with a ticket. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { bytesSchema } from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'

/** The name of a ticket, which an eavesdropper sees, and its key, in bytes. */
export const ticketNameLength = 16
export const ticketKeyLength = 32

/** To the side that listens: a ticket for the session about this closure. `aes`: this processor encrypts AES itself. */
const laneRequestSchema = z.strictObject({ closure: bytesSchema(hashLength), aes: z.boolean() })
export type LaneRequest = z.infer<typeof laneRequestSchema>
export const laneRequestCodec = codec<LaneRequest>('lane request', limits.request, laneRequestSchema)

/** The ciphers of a lane, as TLS 1.3 names them. */
export const laneCiphers = ['TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'] as const
export type LaneCipher = (typeof laneCiphers)[number]

/** A ticket: for one connection, soon. Its key is the pre-shared key of TLS, and its name that key's identity. */
const ticketSchema = z.strictObject({
  name: bytesSchema(ticketNameLength),
  key: bytesSchema(ticketKeyLength),
  cipher: z.enum(laneCiphers),
})
export type LaneTicket = z.infer<typeof ticketSchema>

/** `no-session`: there is none about this closure. `busy`: it has its lane. */
const laneAnswerSchema = z.union([ticketSchema, z.strictObject({ error: z.enum(['no-session', 'busy']) })])
export type LaneAnswer = z.infer<typeof laneAnswerSchema>
export const laneAnswerCodec = codec<LaneAnswer>('lane answer', limits.request, laneAnswerSchema)
