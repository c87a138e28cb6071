/** Messages of relays: splicing two members' streams, looking at a member from outside, and meeting in the middle. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import { limits } from '../limits.ts'
import { peerIdSchema } from '../signing/peer-id.ts'

const ipSchema = z.union([z.ipv4(), z.ipv6()])

/** A TCP end as another peer sees it. */
const endSchema = z.strictObject({ ip: ipSchema, port: z.int().min(1).max(65_535) })
export type TcpEnd = z.infer<typeof endSchema>

/** To a relay: splice this stream to a member that is connected to you. */
const relayRequestSchema = z.strictObject({ to: peerIdSchema })
export type RelayRequest = z.infer<typeof relayRequestSchema>
export const relayRequestCodec = codec<RelayRequest>('relay request', limits.request, relayRequestSchema)

/** From a relay to the member at the far end: a stream of this member follows. `ip` is where the relay sees it. */
const relayedRequestSchema = z.strictObject({ from: peerIdSchema, ip: ipSchema.optional() })
export type RelayedRequest = z.infer<typeof relayedRequestSchema>
export const relayedRequestCodec = codec<RelayedRequest>('relayed request', limits.request, relayedRequestSchema)

/**
 * The answer of either; after `ok`, the stream belongs to the two members. `not-connected`: the member has no direct
 * connection to this relay. `unsupported`: it speaks no relayed streams. `busy`: all places are taken.
 */
const relayAnswerSchema = z.union([
  z.strictObject({ ok: z.literal(true), ip: ipSchema.optional() }),
  z.strictObject({ error: z.enum(['not-connected', 'unsupported', 'busy', 'refused']) }),
])
export type RelayAnswer = z.infer<typeof relayAnswerSchema>
export const relayAnswerCodec = codec<RelayAnswer>('relay answer', limits.request, relayAnswerSchema)

/** Asks where this connection seems to come from; with a port, also whether that port can be dialled there. */
const reachRequestSchema = z.strictObject({ dial: z.int().min(1).max(65_535).optional() })
export type ReachRequest = z.infer<typeof reachRequestSchema>
export const reachRequestCodec = codec<ReachRequest>('reach request', limits.request, reachRequestSchema)

const reachAnswerSchema = z.strictObject({
  seen: endSchema.optional(),
  /** `yes`: this very peer answered there. `later`: it was asked too often. */
  dialled: z.enum(['yes', 'no', 'later']).optional(),
  /** What the clock of the answering peer shows, in milliseconds since 1970. */
  clock: z.int().min(0).optional(),
})
export type ReachAnswer = z.infer<typeof reachAnswerSchema>
export const reachAnswerCodec = codec<ReachAnswer>('reach answer', limits.request, reachAnswerSchema)

/** The ends at which a peer can be met: where its NAT has put its port, its own addresses, and where it listens. */
const meetingSchema = z.strictObject({
  ends: z.array(endSchema).max(limits.meetingEnds),
  listens: z.array(endSchema).max(limits.meetingEnds),
})
export type Meeting = z.infer<typeof meetingSchema>
export const meetingCodec = codec<Meeting>('meeting', limits.request, meetingSchema)

/** Begins the meeting: the other side connects at once, this side after half of the round trip. */
const meetNowSchema = z.strictObject({ now: z.literal(true) })
export type MeetNow = z.infer<typeof meetNowSchema>
export const meetNowCodec = codec<MeetNow>('start of a meeting', limits.request, meetNowSchema)
