/** Agrees on a bulk lane: a second connection of two members for chunks or for a stream, opened with a ticket. */

import { z } from 'zod'
import { codec, FormatError } from '../encoding/cbor.ts'
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

/**
 * To the side that listens: a ticket for a stream of the same connection, by its number in yamux. Both sides number streams
 * alike, and never use a number twice.
 */
const streamLaneRequestSchema = z.strictObject({ stream: z.int().min(1).max(0xffff_ffff), aes: z.boolean() })
export type StreamLaneRequest = z.infer<typeof streamLaneRequestSchema>
export const streamLaneRequestCodec = codec<StreamLaneRequest>(
  'stream lane request',
  limits.request,
  streamLaneRequestSchema,
)

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

/** `no-session`: there is none about this closure, or no such stream. `busy`: it has its lane. */
const laneAnswerSchema = z.union([ticketSchema, z.strictObject({ error: z.enum(['no-session', 'busy']) })])
export type LaneAnswer = z.infer<typeof laneAnswerSchema>
export const laneAnswerCodec = codec<LaneAnswer>('lane answer', limits.request, laneAnswerSchema)

/**
 * A lane that carries a stream: its listening side begins with this byte, when it has taken the lane into use. After it, each
 * direction is frames: four bytes of a big-endian length, then so many bytes. A frame without bytes is the end of the
 * direction, and what comes after it is an error.
 */
export const laneWelcome = 0x01
export const laneFrameHeader = 4

export function encodeLaneFrame(length: number): Uint8Array {
  const header = new Uint8Array(laneFrameHeader)
  new DataView(header.buffer).setUint32(0, length)
  return header
}

/** The bytes of a frame. Throws a FormatError for more than one may have. */
export function laneFrameLength(header: Uint8Array): number {
  const length = new DataView(header.buffer, header.byteOffset, laneFrameHeader).getUint32(0)
  if (length > limits.laneFrame) {
    throw new FormatError('too-large', `expected a frame of a lane of at most ${limits.laneFrame} bytes, got ${length}`)
  }
  return length
}
